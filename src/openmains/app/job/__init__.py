# SPDX-License-Identifier: Apache-2.0
"""Long work as rows of a queue: asked for, claimed, told of, called off. What is done in a job belongs to its context."""
