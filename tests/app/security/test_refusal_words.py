# SPDX-License-Identifier: Apache-2.0
"""Every reason by which a device is refused has its words in the console and its row in the documentation."""

import re
from pathlib import Path

import pytest

from openmains.domain.fleet.endpoint_name import NameFault
from openmains.wire.dtls.events import Weakness

ROOT = Path(__file__).resolve().parents[3]
CONSOLE = (ROOT / "console/src/features/security/parts/refusalReasons.ts").read_text("utf-8")
PAGE = (ROOT / "docs/security-terminals.md").read_text("utf-8")
SOURCE = ROOT / "src/openmains"


def given() -> set[str]:
    """Words and phrases that stand in the code as reasons."""
    found = {fault.value for fault in NameFault} | {f"{weakness}_not_allowed" for weakness in Weakness}
    places = {
        "app/security/watch.py": r'RefusalStage\.HANDSHAKE, "([^"]+)"',
        "edges/udp/secure_edge.py": r'"(no_key|identity_check_digit)"',
        "app/link/lwm2m/traffic.py": r'_refuse_name\(wanted, terminal, "([^"]+)"',
        "app/link/lwm2m/bootstrapping.py": r'_told_refused\(\s*terminal, "([^"]+)"',
        "wire/dtls/serving.py": r'Refusal\(Alert\.\w+, "([^"]+)"',
        "wire/dtls/handshaking.py": r'(?:Refusal\(Alert\.\w+, |Refused\()"([^"]+)"',
        "wire/lwm2m/registering.py": r'raise Refused\("([^"]+)"',
        "wire/lwm2m/codec/link_format.py": r'WireError\(LAYER, [^,]+, "([^"]+)"\)',
    }
    for path, pattern in places.items():
        said = set(re.findall(pattern, (SOURCE / path).read_text("utf-8")))
        assert said, path
        found |= said
    registration = (SOURCE / "wire/lwm2m/registration.py").read_text("utf-8")
    return found | set(re.findall(r'WireError\(LAYER, 0, "([^"]+(?:unusable|parameters|objects))"\)', registration))


@pytest.mark.parametrize("reason", sorted(given()))
def test_a_reason_has_words(reason: str) -> None:
    assert f'"{reason}"' in CONSOLE
    form = CONSOLE[CONSOLE.index("REGISTRATION_FORM") : CONSOLE.index("export function")]
    assert f'"{reason}"' in form or f"`{reason}`" in PAGE, "no row of its own in docs/security-terminals.md"
