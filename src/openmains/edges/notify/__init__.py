# SPDX-License-Identifier: Apache-2.0
"""Out to other people's systems: HTTP, SMTP, and the services that Apprise speaks. Every address is looked at before it is connected to."""
