# SPDX-License-Identifier: Apache-2.0
"""How long a test waits for what must come: until it hangs, not until it is slow.

No test judges how fast a machine is today. What has to be fast is measured by `make bench` and printed by the scenarios.
"""

PATIENCE_S = 300.0  # on a machine three times slower, shared by fifteen others
