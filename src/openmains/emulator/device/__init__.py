# SPDX-License-Identifier: Apache-2.0
"""How an emulated meter speaks: CoAP over plain or DTLS sockets, LwM2M."""
