# SPDX-License-Identifier: Apache-2.0
"""Which role each operation needs: the one table. An operation that is not in it cannot be reached."""

from openmains.domain.identity.role import Role

V, O, A = Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR  # noqa: E741 read as columns

PUBLIC = frozenset({"sign_in", "health", "ready", "read_metrics", "describe_problem"})
"""Operations without a sign-in; each guards itself where it must."""

BEFORE_PASSWORD_CHANGE = frozenset({"read_session", "sign_out", "change_password"})
"""All that a user whose password must be changed may do."""

ROLES: dict[str, Role] = {
    "read_session": V,
    "sign_out": V,
    "change_password": V,
    "list_users": A,
    "read_user": A,
    "create_user": A,
    "change_user": A,
    "reset_user_password": A,
    "remove_user": A,
    "list_tokens": V,
    "create_token": V,
    "revoke_token": V,
    "list_audit": A,
    "list_areas": V,
    "read_area": V,
    "add_area": A,
    "change_area": A,
    "list_products": V,
    "read_product": V,
    "add_product": A,
    "change_product": A,
    "list_drivers": V,
    "read_driver": V,
    "list_driver_vectors": V,
    "read_driver_layout": V,
    "explain_frame": V,
    "list_meters": V,
    "download_meters": V,
    "read_meter": V,
    "add_meter": O,
    "change_meter": O,
    "remove_meter": O,
    "read_series": V,
    "list_registers": V,
    "list_frames": V,
    "list_signals": V,
    "list_alarms": V,
    "read_alarm": V,
    "acknowledge_alarm": O,
    "clear_alarm": O,
    "list_exceptions": V,
    "read_exception": V,
    "judge_exception": O,
    "list_dead_letters": V,
    "replay_dead_letters": O,
    "dismiss_dead_letters": O,
    "read_collection_report": V,
    "download_collection_csv": V,
    "download_collection_xlsx": V,
    "list_missing_meters": V,
    "list_jobs": V,
    "read_job": V,
    "download_job_file": O,
    "cancel_job": O,
    "start_import": O,
    "read_system": O,
    "watch_live": V,
}
