-- SPDX-License-Identifier: Apache-2.0
-- Pictures of work orders are sealed as those of the field are (ADR 0039, 0051): under the utility's key for photographs, bound to order and act.
-- ``content`` is then the sealed bytes and ``sha256`` that of the picture. Those of before have no key and stay as they are.
ALTER TABLE work_order_photo ADD COLUMN key_id int, ADD COLUMN nonce bytea,
  DROP CONSTRAINT work_order_photo_content_check,
  ADD CONSTRAINT work_order_photo_content_check CHECK (length(content) BETWEEN 1 AND 4194304 + 16),
  ADD CONSTRAINT work_order_photo_sealed CHECK ((key_id IS NULL) = (nonce IS NULL));
