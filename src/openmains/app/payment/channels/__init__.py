# SPDX-License-Identifier: Apache-2.0
"""Providers of payments: what is asked of each (``port``), and WeChat Pay v3 and Alipay by their own rules, without sockets."""
