# SPDX-License-Identifier: Apache-2.0
"""What an edge does with meters that it can tell apart, whatever carries their messages: reports up, commands down.

A channel (UDP with DTLS today) is an adapter behind ``ports.Link``. What meters say in LwM2M is in ``lwm2m``.
"""
