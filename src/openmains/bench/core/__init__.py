# SPDX-License-Identifier: Apache-2.0
"""What one core does with a protocol, without the rest: ``python -m openmains.bench.core.<name>``."""
