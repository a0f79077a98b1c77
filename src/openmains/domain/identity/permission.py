# SPDX-License-Identifier: Apache-2.0
"""Permissions (R13.5): the named things that a role is made of, said once, with their words in both languages.

Every operation of the API names one of them, or that a sign-in is enough. A permission is given whole:
what one person may do without the other stands in two.
"""

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """Where a permission stands on the page of roles."""

    PEOPLE = "people"
    BOOK = "book"
    READINGS = "readings"
    ALARMS = "alarms"
    COMMANDS = "commands"
    SECURITY = "security"
    CUSTOMERS = "customers"
    MONEY = "money"
    SYSTEM = "system"


class Permission(StrEnum):
    """One thing that a person may do. The names are kept in the roles that utilities made: none may change its meaning."""

    MANAGE_USERS = "manage_users"
    SEE_TRAIL = "see_trail"
    SEE_HOME = "see_home"
    SEE_PLACES = "see_places"
    SEE_PREMISES = "see_premises"
    MANAGE_PREMISES = "manage_premises"
    MANAGE_PLACES = "manage_places"
    SEE_PRODUCTS = "see_products"
    MANAGE_PRODUCTS = "manage_products"
    MANAGE_DRIVERS = "manage_drivers"
    SEE_METERS = "see_meters"
    SEE_TIMELINE = "see_timeline"
    EXPORT_METERS = "export_meters"
    MANAGE_METERS = "manage_meters"
    MANAGE_STOCK = "manage_stock"
    INSTALL_METERS = "install_meters"
    ACCEPT_INSTALLATIONS = "accept_installations"
    MANAGE_LIFETIMES = "manage_lifetimes"
    MANAGE_CONCENTRATORS = "manage_concentrators"
    MANAGE_OPERATOR_PLATFORMS = "manage_operator_platforms"
    SEE_SUMS = "see_sums"
    SEE_READINGS = "see_readings"
    EXPORT_READINGS = "export_readings"
    SEE_FRAMES = "see_frames"
    JUDGE_READINGS = "judge_readings"
    TAKE_READINGS = "take_readings"
    INSERT_READINGS = "insert_readings"
    RUN_VISITS = "run_visits"
    FOLLOW_READINGS = "follow_readings"
    MANAGE_ROUTES = "manage_routes"
    WORK_OUTSIDE = "work_outside"
    MANAGE_TASKS = "manage_tasks"
    MANAGE_QUERIES = "manage_queries"
    HANDLE_DEAD_LETTERS = "handle_dead_letters"
    SEE_ALARMS = "see_alarms"
    HANDLE_ALARMS = "handle_alarms"
    SET_LIMITS = "set_limits"
    SEE_RULES = "see_rules"
    MANAGE_RULES = "manage_rules"
    HANDLE_NOTICES = "handle_notices"
    MANAGE_NOTICES = "manage_notices"
    SEE_COMMANDS = "see_commands"
    GIVE_COMMANDS = "give_commands"
    APPROVE_COMMANDS = "approve_commands"
    OPERATE_METERS = "operate_meters"
    INSPECT_SITES = "inspect_sites"
    STOP_COMMANDS = "stop_commands"
    MANAGE_COMMANDS = "manage_commands"
    SEE_SECURITY = "see_security"
    HANDLE_SECURITY = "handle_security"
    SET_SECURITY = "set_security"
    MANAGE_KEYS = "manage_keys"
    SEE_CUSTOMERS = "see_customers"
    MANAGE_CUSTOMERS = "manage_customers"
    SEE_PERSONAL = "see_personal"
    SEE_TARIFFS = "see_tariffs"
    DRAFT_TARIFFS = "draft_tariffs"
    APPROVE_TARIFFS = "approve_tariffs"
    SEE_MONEY = "see_money"
    EXPORT_MONEY = "export_money"
    ASK_FOR_MONEY = "ask_for_money"
    APPROVE_MONEY = "approve_money"
    TAKE_MONEY = "take_money"
    BOOK_PAYMENTS = "book_payments"
    RUN_DIRECT_DEBIT = "run_direct_debit"
    RUN_BILLING = "run_billing"
    MANAGE_PAYMENT_CHANNELS = "manage_payment_channels"
    PAY_AS_THIRD_PARTY = "pay_as_third_party"
    SEE_ORDERS = "see_orders"
    HANDLE_ORDERS = "handle_orders"
    MANAGE_ORDERS = "manage_orders"
    SEE_JOBS = "see_jobs"
    MANAGE_JOBS = "manage_jobs"
    SEE_SYSTEM = "see_system"
    MANAGE_SUBSCRIPTIONS = "manage_subscriptions"


@dataclass(frozen=True, slots=True)
class Words:
    """What a permission is called, and its group."""

    group: Group
    zh: str
    en: str


GROUPS: dict[Group, tuple[str, str]] = {
    Group.PEOPLE: ("人员", "People"),
    Group.BOOK: ("档案与表具", "Places and meters"),
    Group.READINGS: ("读数", "Readings"),
    Group.ALARMS: ("告警与通知", "Alarms and notices"),
    Group.COMMANDS: ("命令", "Commands"),
    Group.SECURITY: ("终端安全", "Terminals' security"),
    Group.CUSTOMERS: ("用户与户号", "Customers and accounts"),
    Group.MONEY: ("价目与账务", "Tariffs and money"),
    Group.SYSTEM: ("系统", "System"),
}
"""Chinese, English; in the order of the page."""

PERMISSIONS: dict[Permission, Words] = {
    Permission.MANAGE_USERS: Words(Group.PEOPLE, "管理人员和角色", "manage people and roles"),
    Permission.SEE_TRAIL: Words(Group.PEOPLE, "查看审计记录", "see the audit trail"),
    Permission.SEE_HOME: Words(
        Group.PEOPLE, "查看首页概况：表具状态和最新告警", "see the first page: how meters stand, newest alarms"
    ),
    Permission.SEE_PLACES: Words(Group.BOOK, "查看区域", "see areas"),
    Permission.SEE_PREMISES: Words(Group.BOOK, "查看用水用气地点（地址）", "see premises, which are addresses"),
    Permission.MANAGE_PREMISES: Words(Group.BOOK, "新建、修改用水用气地点", "add and change premises"),
    Permission.MANAGE_PLACES: Words(Group.BOOK, "新建、修改、导入区域", "add, change and import areas"),
    Permission.SEE_PRODUCTS: Words(Group.BOOK, "查看产品和驱动", "see products and drivers"),
    Permission.MANAGE_PRODUCTS: Words(Group.BOOK, "新建、修改产品及其限值", "add and change products and their limits"),
    Permission.MANAGE_DRIVERS: Words(Group.BOOK, "加装、更换、撤下驱动页", "add, replace and take away driver pages"),
    Permission.SEE_METERS: Words(
        Group.BOOK,
        "查看表具（含地址）、库存、安装和集中器；用户须另有权限",
        "see meters with their address, stock, installations, concentrators; customers take a permission of their own",
    ),
    Permission.SEE_TIMELINE: Words(Group.BOOK, "查看表具的全部经历", "see all that happened to a meter"),
    Permission.EXPORT_METERS: Words(Group.BOOK, "导出表具清单", "export lists of meters"),
    Permission.MANAGE_METERS: Words(Group.BOOK, "新建、修改、注销、导入表具", "add, change, remove and import meters"),
    Permission.MANAGE_STOCK: Words(
        Group.BOOK, "收表、领表、送修、报废", "take meters into stock, issue, repair, scrap"
    ),
    Permission.INSTALL_METERS: Words(
        Group.BOOK, "装表、换表、拆表、移表", "install, exchange, take off and move meters"
    ),
    Permission.ACCEPT_INSTALLATIONS: Words(Group.BOOK, "验收安装", "accept installations"),
    Permission.MANAGE_LIFETIMES: Words(Group.BOOK, "设置表具使用年限", "set lifetimes of meters"),
    Permission.MANAGE_CONCENTRATORS: Words(
        Group.BOOK, "新建、修改、删除集中器", "add, change and remove concentrators"
    ),
    Permission.MANAGE_OPERATOR_PLATFORMS: Words(
        Group.BOOK, "设置运营商平台接入及其密钥", "set connections to operators' platforms and their keys"
    ),
    Permission.SEE_SUMS: Words(
        Group.READINGS, "查看合计：抄表率、区域用量", "see sums: reading rates, volumes of areas"
    ),
    Permission.SEE_READINGS: Words(
        Group.READINGS, "查看单表读数、异常和补抄", "see readings of meters, exceptions, re-reads"
    ),
    Permission.EXPORT_READINGS: Words(Group.READINGS, "导出读数", "export readings"),
    Permission.SEE_FRAMES: Words(Group.READINGS, "查看报文和设备对象", "see frames and objects of devices"),
    Permission.JUDGE_READINGS: Words(Group.READINGS, "复核异常、审批改数", "judge exceptions, approve edits"),
    Permission.TAKE_READINGS: Words(Group.READINGS, "录入、导入人工抄表", "enter and import readings by persons"),
    Permission.INSERT_READINGS: Words(
        Group.READINGS, "批量写入任意测点的读数", "insert values of any quantity in bulk"
    ),
    Permission.RUN_VISITS: Words(Group.READINGS, "处理上门补抄", "handle visits to meters"),
    Permission.FOLLOW_READINGS: Words(Group.READINGS, "按游标取变更读数", "follow changed readings by cursor"),
    Permission.MANAGE_ROUTES: Words(Group.READINGS, "编排抄表册", "make and change reading routes"),
    Permission.WORK_OUTSIDE: Words(
        Group.READINGS,
        "外勤：带出资料、记到访、现场测试、拍照",
        "work outside: take data along, note visits, test on the spot, photograph",
    ),
    Permission.MANAGE_TASKS: Words(Group.READINGS, "设置采集任务", "set collection tasks"),
    Permission.MANAGE_QUERIES: Words(Group.READINGS, "修改他人保存的查询", "change saved queries of others"),
    Permission.HANDLE_DEAD_LETTERS: Words(
        Group.READINGS, "重放、忽略无法解析的报文", "replay and dismiss dead letters"
    ),
    Permission.SEE_ALARMS: Words(Group.ALARMS, "查看告警", "see alarms"),
    Permission.HANDLE_ALARMS: Words(
        Group.ALARMS, "确认、派单、消除、静音告警", "acknowledge, dispatch, clear and mute alarms"
    ),
    Permission.SET_LIMITS: Words(Group.ALARMS, "设置单台设备限值", "set limits of single devices"),
    Permission.SEE_RULES: Words(Group.ALARMS, "查看规则", "see rules"),
    Permission.MANAGE_RULES: Words(
        Group.ALARMS, "新建、修改、试算、启停规则", "make, change and try rules, switch them on and off"
    ),
    Permission.HANDLE_NOTICES: Words(Group.ALARMS, "查看、重发通知和推送", "see notices and pushes, send them again"),
    Permission.MANAGE_NOTICES: Words(
        Group.ALARMS, "设置通知渠道、策略、排班、模板", "set channels, policies, rotas, templates"
    ),
    Permission.SEE_COMMANDS: Words(Group.COMMANDS, "查看命令", "see commands"),
    Permission.GIVE_COMMANDS: Words(Group.COMMANDS, "下发、取消命令和批次", "give and cancel commands and batches"),
    Permission.APPROVE_COMMANDS: Words(Group.COMMANDS, "审批命令和批次", "approve commands and batches"),
    Permission.OPERATE_METERS: Words(Group.COMMANDS, "读写设备对象", "read and write objects of devices"),
    Permission.INSPECT_SITES: Words(Group.COMMANDS, "解除安全关阀", "lift safety closings"),
    Permission.STOP_COMMANDS: Words(Group.COMMANDS, "停发全部命令", "stop all commands"),
    Permission.MANAGE_COMMANDS: Words(
        Group.COMMANDS,
        "设置命令规则、恢复下发、下发管理类命令",
        "set rules of commands, resume them, give those for administrators",
    ),
    Permission.SEE_SECURITY: Words(Group.SECURITY, "查看终端安全状态", "see how terminals stand"),
    Permission.HANDLE_SECURITY: Words(
        Group.SECURITY, "放行、隔离终端，接入未登记终端", "release and hold terminals, take in unknown ones"
    ),
    Permission.SET_SECURITY: Words(Group.SECURITY, "设置接入策略", "set the access policy"),
    Permission.MANAGE_KEYS: Words(Group.SECURITY, "导入、生成、销毁密钥", "import, make and destroy keys"),
    Permission.SEE_CUSTOMERS: Words(
        Group.CUSTOMERS, "查看用户和户号（个人信息打码）", "see customers and accounts, personal data masked"
    ),
    Permission.MANAGE_CUSTOMERS: Words(
        Group.CUSTOMERS, "新建、修改用户，开户、过户、销户", "add and change customers, open and transfer accounts"
    ),
    Permission.SEE_PERSONAL: Words(
        Group.CUSTOMERS, "查看个人信息明文（每次留痕）", "see personal data in clear; each look is recorded"
    ),
    Permission.SEE_TARIFFS: Words(Group.MONEY, "查看价目、试算", "see tariffs, try them out"),
    Permission.DRAFT_TARIFFS: Words(Group.MONEY, "起草价目", "draft tariffs"),
    Permission.APPROVE_TARIFFS: Words(Group.MONEY, "批准、撤回价目", "approve and withdraw tariffs"),
    Permission.SEE_MONEY: Words(Group.MONEY, "查看账单、账务、收款", "see bills, ledger and receipts"),
    Permission.EXPORT_MONEY: Words(Group.MONEY, "导出凭证", "export the journal"),
    Permission.ASK_FOR_MONEY: Words(Group.MONEY, "申请冲正、更正、退款", "ask for reversals, corrections and returns"),
    Permission.APPROVE_MONEY: Words(Group.MONEY, "批准冲正、更正、退款", "approve reversals, corrections and returns"),
    Permission.TAKE_MONEY: Words(
        Group.MONEY, "柜台收款、开班、结班", "take money at the counter, open and close shifts"
    ),
    Permission.BOOK_PAYMENTS: Words(Group.MONEY, "直接记入收款", "book payments into the ledger"),
    Permission.RUN_DIRECT_DEBIT: Words(
        Group.MONEY,
        "登记代扣授权，生成代扣文件、读入回盘",
        "keep debit authorisations, make debit files and read their answers",
    ),
    Permission.RUN_BILLING: Words(Group.MONEY, "出账、月结", "run billing, close months"),
    Permission.MANAGE_PAYMENT_CHANNELS: Words(
        Group.MONEY, "设置支付渠道及其密钥", "set payment channels and their keys"
    ),
    Permission.PAY_AS_THIRD_PARTY: Words(
        Group.MONEY,
        "以第三方身份报收款(供其他系统的令牌)",
        "report payments as a third party, for tokens of other systems",
    ),
    Permission.SEE_ORDERS: Words(Group.ALARMS, "查看工单和隐患", "see work orders and hazards"),
    Permission.HANDLE_ORDERS: Words(
        Group.ALARMS, "派单、处理工单和隐患", "make, assign and do work orders, record hazards"
    ),
    Permission.MANAGE_ORDERS: Words(
        Group.ALARMS, "设置工单种类、技能、安检计划", "set kinds of work orders, skills and inspection plans"
    ),
    Permission.SEE_JOBS: Words(Group.SYSTEM, "查看后台任务", "see jobs"),
    Permission.MANAGE_JOBS: Words(Group.SYSTEM, "下载任务文件、取消任务", "download files of jobs, cancel jobs"),
    Permission.SEE_SYSTEM: Words(Group.SYSTEM, "查看系统状态", "see how the system stands"),
    Permission.MANAGE_SUBSCRIPTIONS: Words(Group.SYSTEM, "管理订阅推送", "manage subscriptions"),
}
