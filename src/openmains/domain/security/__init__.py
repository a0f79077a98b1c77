# SPDX-License-Identifier: Apache-2.0
"""Who speaks under a meter's name: SIM binding, clones, floods, and the ladder that answers them (R13.3, R13.4).

An edge *notices* (``guard``, ``binding``) and the pipeline *judges* (``ladder``), in the order of the stream, so that two
edges add up and a restarted one forgets no verdict. What a meter's key does not prove must never put the meter out of
use: ``findings`` says of each kind how far it may go.
"""
