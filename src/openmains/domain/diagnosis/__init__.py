# SPDX-License-Identifier: Apache-2.0
"""Why a meter is silent, does not answer, or lets nothing through: a tree of questions to what is stored. Pure."""
