# SPDX-License-Identifier: Apache-2.0
"""The engines as owned children: PostgreSQL, NATS JetStream, and how a child is started and ended."""
