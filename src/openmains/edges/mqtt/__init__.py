# SPDX-License-Identifier: Apache-2.0
"""A utility's MQTT broker, of which we are a client with a session that is kept."""
