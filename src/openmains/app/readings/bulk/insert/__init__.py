# SPDX-License-Identifier: Apache-2.0
"""Values of any quantity inserted in bulk (R14.7): the files of ``/bulk/values`` the other way (ADR 0049)."""
