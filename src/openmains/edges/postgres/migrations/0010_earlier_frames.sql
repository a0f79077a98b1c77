-- SPDX-License-Identifier: Apache-2.0
-- After an outage of the stream a meter's messages may be stored out of their order and twice (A, B, A, B): the last one alone does
-- not tell a repeat then. Number and hash of the three before it, 8 bytes each, newest first.
ALTER TABLE meter_state ADD COLUMN frames_before bytea NOT NULL DEFAULT '';
