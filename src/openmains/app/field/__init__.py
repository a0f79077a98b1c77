# SPDX-License-Identifier: Apache-2.0
"""Work outside with a phone (ADR 0039): reading routes, what was found at a meter, photographs, the kit for a day without network."""
