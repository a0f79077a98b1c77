# SPDX-License-Identifier: Apache-2.0
"""Ports of notices and the tables behind them."""

from openmains.app.notice.announcement_model import AnnouncementStore
from openmains.app.notice.codes import CodeNotices
from openmains.app.notice.ports import ChannelStore, NoticeLog, PushBrowserStore, RotaStore
from openmains.app.notice.subscription_model import SubscriptionStore
from openmains.edges.postgres.adapters import Adapters, Bind
from openmains.edges.postgres.notice.announcements import Announcements
from openmains.edges.postgres.notice.browsers import BrowserTable
from openmains.edges.postgres.notice.codes import Codes
from openmains.edges.postgres.notice.persons import Persons
from openmains.edges.postgres.notice.subscriptions import Subscriptions
from openmains.edges.postgres.notice.tables import Channels, Log

ADAPTERS: Adapters = dict(
    [
        Bind(ChannelStore).to(Channels),
        Bind(RotaStore).to(Persons),
        Bind(NoticeLog).to(Log),
        Bind(PushBrowserStore).to(BrowserTable),
        Bind(SubscriptionStore).to(Subscriptions),
        Bind(AnnouncementStore).to(Announcements),
        Bind(CodeNotices).to(Codes),
    ]
)
