"""Client certificates in the headers of proxies, end to end: the attack cases, and what is odd about a header."""

import base64
import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from cxfulfill import ConfigurationError, Context, Forbidden, HttpRequest, Unauthorized
from cxfulfill.auth.mtls import GOOGLE_CLIENT_SUBJECTS, MutualTls
from cxfulfill.auth.proxies import MAX_FIELD, PROFILES
from cxfulfill.http import Headers
from tests.auth.pki import NOW, Identity, issue, make_ca
from tests.pipeline.support import Counted, Result, Unreadable, body_of, post, refused

PEERS = ("10.0.0.0/8", "fd00::/8")
TRUSTED = "10.1.2.3"
STRANGER = "203.0.113.9"
SUBJECT = "CN=Google LLC"

CA = make_ca()
CX = issue(CA, "CN=Google LLC,O=Google LLC,L=Mountain View,ST=California,C=US")
OTHER = issue(CA, "CN=Somebody Else,O=Somebody Else")

Made = Callable[[Identity], Mapping[str, str]]


def gcp_lb(identity: Identity, present: str = "true", verified: str = "true") -> dict[str, str]:
    leaf = f":{base64.b64encode(identity.der).decode()}:"
    return {"X-Client-Cert-Present": present, "X-Client-Cert-Chain-Verified": verified, "X-Client-Cert-Leaf": leaf}


def nginx(identity: Identity, verify: str = "SUCCESS") -> dict[str, str]:
    return {"X-SSL-Client-Verify": verify, "X-SSL-Client-Cert": identity.escaped_pem}


def digest(identity: Identity) -> str:
    return hashlib.sha256(identity.der).hexdigest()


def envoy(identity: Identity) -> dict[str, str]:
    # The order and the quotes are Envoy's own.
    value = (
        f"By=spiffe://example/webhook;Hash={digest(identity)};"
        f'Cert="{identity.escaped_pem}";Subject="CN=A \\"B\\"\\, C\\;D,O=x";URI=spiffe://example/cx;DNS=a.example'
    )
    return {"X-Forwarded-Client-Cert": value}


def rfc9440(identity: Identity) -> dict[str, str]:
    return {"Client-Cert": f":{base64.b64encode(identity.der).decode()}:"}


MADE: dict[str, Made] = {"gcp-lb": gcp_lb, "nginx": nginx, "envoy": envoy, "rfc9440": rfc9440}
assert MADE.keys() == PROFILES.keys()
profiles = pytest.mark.parametrize("proxy", MADE)


def policy(proxy: str | None = "nginx", *, subjects: Any = (SUBJECT,), sans: Any = (), **options: Any) -> MutualTls:
    options = {"peers": PEERS if proxy else (), "allow_any_dialogflow_customer": True, **options}
    return MutualTls(subjects, sans, proxy=proxy, now=NOW.timestamp, **options)


def ask(auth: MutualTls, headers: Mapping[str, str | None], peer: str = TRUSTED) -> Result:
    return post(Counted(auth), headers={"Authorization": None, **headers}, REMOTE_ADDR=peer)


def turned_away(
    caplog: pytest.LogCaptureFixture,
    auth: MutualTls,
    headers: Mapping[str, str | None],
    reason: str,
    *,
    peer: str = TRUSTED,
    status: int = 401,
) -> Result:
    sent = {"Authorization": None, **headers}
    result = refused(Counted(auth), caplog, status, headers=sent, stream=Unreadable(), REMOTE_ADDR=peer)
    assert result.reason == reason
    assert result.headers.get("WWW-Authenticate") == ('Bearer realm="webhook"' if status == 401 else None)
    shown = caplog.text + result.body.decode() + str(result.headers)
    assert not [value for value in headers.values() if value and len(value) > 20 and value in shown]
    return result


@profiles
@pytest.mark.parametrize("peer", [TRUSTED, f"::ffff:{TRUSTED}", "fd00::1", "fd00::1%eth0"])
def test_a_certificate_from_a_trusted_peer_is_let_in(proxy: str, peer: str) -> None:
    assert ask(policy(proxy), MADE[proxy](CX), peer).status == 200


@profiles
@pytest.mark.parametrize(
    "peer", [STRANGER, "", "unknown", "11.0.0.1", "fe80::1", f"::ffff:{STRANGER}", "10.1.2.3, 10.1.2.3", "10.1.2.3:80"]
)
def test_a053_verified_headers_from_another_peer(caplog: pytest.LogCaptureFixture, proxy: str, peer: str) -> None:
    turned_away(caplog, policy(proxy), MADE[proxy](CX), "peer_not_allowed", peer=peer)


def test_a053_an_address_in_a_header_is_not_the_peers(caplog: pytest.LogCaptureFixture) -> None:
    headers = {**nginx(CX), "X-Forwarded-For": TRUSTED, "X-Real-IP": TRUSTED, "Forwarded": f"for={TRUSTED}"}
    turned_away(caplog, policy(), headers, "peer_not_allowed", peer=STRANGER)


@profiles
def test_a054_a_trusted_peer_without_the_headers(caplog: pytest.LogCaptureFixture, proxy: str) -> None:
    turned_away(caplog, policy(proxy), {}, "no_certificate")
    for name in MADE[proxy](CX):
        turned_away(caplog, policy(proxy), {**MADE[proxy](CX), name: None}, "no_certificate")


@pytest.mark.parametrize(
    ("present", "verified", "reason"),
    [
        ("true", "false", "certificate_not_verified"),
        ("false", "false", "no_certificate"),
        ("false", "true", "no_certificate"),
        ("true", "true,true", "certificate_not_verified"),
        ("true", "false,true", "certificate_not_verified"),
        ("true,true", "true", "certificate_not_verified"),
        ("true", "True", "certificate_not_verified"),
        ("1", "1", "certificate_not_verified"),
    ],
)
def test_a055_the_load_balancer_let_an_invalid_certificate_through(
    caplog: pytest.LogCaptureFixture, present: str, verified: str, reason: str
) -> None:
    turned_away(caplog, policy("gcp-lb"), gcp_lb(CX, present, verified), reason)


@profiles
def test_a056_a_valid_certificate_of_somebody_else(caplog: pytest.LogCaptureFixture, proxy: str) -> None:
    turned_away(caplog, policy(proxy), MADE[proxy](OTHER), "caller_not_allowed", status=403)
    assert "subject is CN=Somebody Else,O=Somebody Else" in caplog.text


@pytest.mark.parametrize("verify", ["FAILED:certificate has expired", "FAILED", "success", "SUCCESS,SUCCESS", "1"])
def test_a057_nginx_did_not_verify_it(caplog: pytest.LogCaptureFixture, verify: str) -> None:
    turned_away(caplog, policy(), nginx(CX, verify), "certificate_not_verified")


def test_a057_nginx_saw_no_certificate(caplog: pytest.LogCaptureFixture) -> None:
    turned_away(caplog, policy(), nginx(CX, "NONE"), "no_certificate")


@profiles
def test_a058_a_certificate_of_the_connection_is_not_the_proxys(caplog: pytest.LogCaptureFixture, proxy: str) -> None:
    http = HttpRequest("POST", "/webhook", Headers({}), peer=TRUSTED, client_certificate=lambda: CX.der)
    with pytest.raises(Unauthorized) as raised:
        policy(proxy).authenticate(http)
    assert raised.value.reason == "no_certificate"


@profiles
def test_a058_headers_are_not_the_connections_certificate(caplog: pytest.LogCaptureFixture, proxy: str) -> None:
    turned_away(caplog, policy(None), MADE[proxy](CX), "no_certificate")


def test_the_connections_certificate_lets_in() -> None:
    http = HttpRequest("POST", "/webhook", Headers({}), client_certificate=lambda: CX.der)
    principal = policy(None).authenticate(http)
    assert (principal.name, principal.method) == (SUBJECT, "mtls")


def test_a059_it_is_for_another_factor_unless_told_otherwise() -> None:
    assert MutualTls(SUBJECT).only_with_another_factor
    assert not MutualTls(SUBJECT, allow_any_dialogflow_customer=True).only_with_another_factor


@pytest.mark.parametrize(
    ("given", "certificate"),
    [
        ("CN=Google LLC", "CN=Google LLC"),
        ("CN=Google LLC,O=Google LLC", "CN=Google LLC,OU=x,O=Google LLC,C=US"),
        ("O=Google LLC,CN=Google LLC", "CN=Google LLC,O=Google LLC"),
        ("CN=*.dialogflow.com", "CN=*.dialogflow.com"),
        ("DC=cx,DC=example", "CN=a,DC=cx,DC=example"),
        ("OU=a+CN=b", "CN=b,OU=a"),
    ],
)
def test_a_subject_has_the_attributes_that_are_named(given: str, certificate: str) -> None:
    principal = policy(subjects=given).authenticate(
        HttpRequest("POST", "/webhook", Headers(nginx(issue(CA, certificate))), peer=TRUSTED)
    )
    assert (principal.name, principal.method) == (given, "mtls")


@pytest.mark.parametrize(
    ("given", "certificate"),
    [
        ("CN=Google LLC", "CN=google llc"),
        ("CN=Google LLC", "CN=Google LLC Ltd"),
        ("CN=Google LLC", "O=Google LLC"),
        ("CN=Google LLC", "CN=Google LLC,CN=Somebody Else"),
        ("CN=Google LLC", "CN=Somebody Else,CN=Google LLC"),
        ("CN=Google LLC", "CN=Google LLC\\,O=Google LLC"),
        ("CN=Google LLC,O=Google LLC", "CN=Google LLC"),
        ("CN=Google LLC,O=Google LLC", "CN=Google LLC,O=Other"),
        ("DC=cx,DC=example", "DC=example,DC=cx"),
        ("CN=*.dialogflow.com", "CN=a.dialogflow.com"),
    ],
)
def test_a056_a_subject_that_is_nearly_it(caplog: pytest.LogCaptureFixture, given: str, certificate: str) -> None:
    auth, identity = policy(subjects=given), issue(CA, certificate)
    turned_away(caplog, auth, nginx(identity), "caller_not_allowed", status=403)


SPIFFE = x509.UniformResourceIdentifier("spiffe://example/cx")
DNS = x509.DNSName("CX.example")


@pytest.mark.parametrize("san", ["spiffe://example/cx", "cx.EXAMPLE"])
def test_a_listed_alternative_name_lets_in(san: str) -> None:
    auth = policy("rfc9440", subjects=(), sans=[san])
    http = HttpRequest("POST", "/", Headers(rfc9440(issue(CA, "CN=x", DNS, SPIFFE))), peer=TRUSTED)
    assert auth.authenticate(http).name == san


@pytest.mark.parametrize(
    "san", ["spiffe://example/CX", "spiffe://example/cx/", "*.example", "example", "dns:cx.example"]
)
def test_a056_an_alternative_name_that_is_nearly_it(caplog: pytest.LogCaptureFixture, san: str) -> None:
    auth, identity = policy(subjects="CN=y", sans=san), issue(CA, "CN=x", DNS, SPIFFE)
    turned_away(caplog, auth, nginx(identity), "caller_not_allowed", status=403)
    assert "its alternative names are cx.example, spiffe://example/cx;" in caplog.text


def test_a_kind_of_name_is_not_taken_for_another(caplog: pytest.LogCaptureFixture) -> None:
    identity = issue(CA, "CN=x", x509.UniformResourceIdentifier("cx.example"), x509.DNSName("spiffe://example/cx"))
    auth = policy(sans=["cx.example", "spiffe://example/cx"])
    turned_away(caplog, auth, nginx(identity), "caller_not_allowed", status=403)


def test_the_name_in_the_log_is_cut_and_quoted(caplog: pytest.LogCaptureFixture) -> None:
    identity = issue(CA, ",".join(f"OU={'n' * 64}" for _ in range(9)) + ",CN=a\\0Ab\\22 forged=1")
    turned_away(caplog, policy(), nginx(identity), "caller_not_allowed", status=403)
    [line] = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert "\n" not in line
    assert len(line) < 700


@profiles
def test_a_certificate_is_accepted_on_its_days_only(caplog: pytest.LogCaptureFixture, proxy: str) -> None:
    begins, ends = NOW, NOW + timedelta(days=1)
    headers = MADE[proxy](issue(CA, SUBJECT, begins=begins, ends=ends))
    for moment, reason in (
        (begins - timedelta(seconds=1), "certificate_not_yet_valid"), (begins, None), (ends, None),
        (ends + timedelta(seconds=1), "certificate_expired"),
    ):  # fmt: skip
        auth = MutualTls(SUBJECT, proxy=proxy, peers=PEERS, now=moment.timestamp, allow_any_dialogflow_customer=True)
        if reason is None:
            assert ask(auth, headers).status == 200
        else:
            turned_away(caplog, auth, headers, reason)


LEAF = base64.b64encode(CX.der).decode()
ODD_SEQUENCES = [
    LEAF, f":{LEAF}", f"{LEAF}:", f":{LEAF}:,:{LEAF}:", f":{LEAF}:, :{LEAF}:", f":{LEAF}:;x=1", f"::{LEAF}::", "::",
    ":=:", f": {LEAF}:", f":{LEAF[:-4]}:", f":{LEAF}A:", f":{LEAF}AAAA:", ":AAAA:", ":AAAAA:", f":{'A' * MAX_FIELD}:",
    f":{base64.b64encode(CX.der * 2).decode()}:", f":{base64.b64encode(CX.pem.encode()).decode()}:",
]  # fmt: skip


@pytest.mark.parametrize("value", ODD_SEQUENCES, ids=range(len(ODD_SEQUENCES)))
def test_a_byte_sequence_that_is_odd(caplog: pytest.LogCaptureFixture, value: str) -> None:
    turned_away(caplog, policy("rfc9440"), {"Client-Cert": value}, "malformed_certificate")
    turned_away(caplog, policy("gcp-lb"), {**gcp_lb(CX), "X-Client-Cert-Leaf": value}, "malformed_certificate")


PEM = CX.escaped_pem
ODD_PEMS = [
    CX.pem.replace("\n", " "), PEM + PEM, f"{PEM},{PEM}", PEM + "x", "x" + PEM, PEM.replace("%2B", "+") + "+", PEM[:-1],
    PEM.replace("%0A", "%0D%0A"), PEM.replace("%0A", "%20"), PEM.replace("CERTIFICATE", "TRUSTED%20CERTIFICATE"),
    PEM.replace("%0A", "%0A%0A", 2), "%", "%GG", "%00", PEM + "%00", "a" * (MAX_FIELD + 1), LEAF,
    PEM.replace("MII", "MI=", 1), PEM.replace("-----BEGIN", "Subject%3A%20x%0A-----BEGIN"),
]  # fmt: skip


@pytest.mark.parametrize("value", ODD_PEMS, ids=range(len(ODD_PEMS)))
def test_an_escaped_pem_that_is_odd(caplog: pytest.LogCaptureFixture, value: str) -> None:
    turned_away(caplog, policy(), {**nginx(CX), "X-SSL-Client-Cert": value}, "malformed_certificate")
    element = f'Hash={digest(CX)};Cert="{value}"'
    turned_away(caplog, policy("envoy"), {"X-Forwarded-Client-Cert": element}, "malformed_certificate")


HASH = digest(CX)
ODD_ELEMENTS = [
    # More than one element: APPEND_FORWARD, or a client's own header beside it.
    f'Hash={HASH};Cert="{PEM}",Hash={HASH};Cert="{PEM}"', f'Hash={HASH};Cert="{PEM}", By=x',
    f'By=x,Hash={HASH};Cert="{PEM}"',
    # A name in the certificate of somebody else that pretends to be more.
    f'Hash={digest(OTHER)};Cert="{OTHER.escaped_pem}";URI=spiffe://x;Hash={HASH};Cert="{PEM}"',
    f'Hash={digest(OTHER)};URI=spiffe://x;Cert="{PEM}"', f'Hash={digest(OTHER)};Subject="";Cert="{PEM}"',
    f'Hash={HASH};Hash={HASH};Cert="{PEM}"', f'Hash={HASH};Cert="{PEM}";Cert="{PEM}"',
    # What is needed is missing.
    f'Cert="{PEM}"', f"Hash={HASH}", f'Hash={HASH};Chain="{PEM}"', f"Hash={HASH};Cert=", f'Hash=;Cert="{PEM}"',
    "By=x", "x",
    # Another grammar.
    f'Hash={HASH};Cert="{PEM}', f'Hash={HASH};Cert={PEM}"', f'Hash={HASH};;Cert="{PEM}"', f'Hash={HASH};Cert="{PEM}";',
    f';Hash={HASH};Cert="{PEM}"', f'Hash={HASH};cert="{PEM}"', f'Hash={HASH}; Cert="{PEM}"',
    f'Hash={HASH};Evil=1;Cert="{PEM}"', f'Hash={HASH};Subject="a"b";Cert="{PEM}"',
    f'Hash={HASH};Subject="a\\";Cert="{PEM}"', f'Hash="{HASH};Cert="{PEM}"',
]  # fmt: skip


@pytest.mark.parametrize("value", ODD_ELEMENTS, ids=range(len(ODD_ELEMENTS)))
def test_an_element_of_envoy_that_is_odd(caplog: pytest.LogCaptureFixture, value: str) -> None:
    turned_away(caplog, policy("envoy"), {"X-Forwarded-Client-Cert": value}, "malformed_certificate")


@pytest.mark.parametrize(
    "value",
    [
        f'Hash={HASH};Cert="{PEM}"',
        f"Hash={HASH.upper()};Cert={PEM}",
        f'By=a;By=b;Hash={HASH};Cert="{PEM}";URI=u=1;URI=v;DNS=d',
    ],
)
def test_an_element_of_envoy_with_less_or_more(value: str) -> None:
    assert ask(policy("envoy"), {"X-Forwarded-Client-Cert": value}).status == 200


def test_a_certificate_that_the_parser_cannot_read(caplog: pytest.LogCaptureFixture) -> None:
    # An extension that comes twice (RFC 5280 4.2): the outer form is right.
    san = x509.SubjectAlternativeName([DNS]).public_bytes()
    at = (identity := issue(CA, SUBJECT, DNS)).der.index(san)
    for der in (identity.der[:at] + b"\x00" * len(san) + identity.der[at + len(san) :], identity.der[:-1]):
        headers = {"Client-Cert": f":{base64.b64encode(der).decode()}:"}
        turned_away(caplog, policy("rfc9440"), headers, "malformed_certificate")


def outcome(auth: MutualTls, headers: Mapping[str, str]) -> str:
    try:
        return auth.authenticate(HttpRequest("POST", "/webhook", Headers(headers), peer=TRUSTED)).method
    except (Unauthorized, Forbidden) as error:
        return error.reason


PIECES = st.sampled_from([
    PEM, LEAF, f":{LEAF}:", OTHER.escaped_pem, f"Hash={HASH}", f'Cert="{PEM}"', "true", "SUCCESS", ";", ",", "=", '"',
    "\\", ":", "%0A", "%", "-----BEGIN CERTIFICATE-----", "Subject=", "URI=", "-----END CERTIFICATE-----",
])  # fmt: skip
VALUES = st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=8).map("".join))
ANY_HEADERS = st.dictionaries(
    st.sampled_from(sorted({name for made in MADE.values() for name in made(CX)})), VALUES, max_size=3
)


REASONS = (
    "no_certificate", "certificate_not_verified", "malformed_certificate", "caller_not_allowed", "certificate_expired",
    "certificate_not_yet_valid",
)  # fmt: skip


@given(proxy=st.sampled_from(sorted(MADE)), headers=ANY_HEADERS)
def test_whatever_the_headers_the_answer_is_yes_or_a_refusal(proxy: str, headers: dict[str, str]) -> None:
    whole = {**MADE[proxy](CX), **headers}
    found = outcome(policy(proxy), whole)
    assert found in ("mtls", *REASONS)
    if all(whole[name] == value for name, value in MADE[proxy](CX).items()):
        assert found == "mtls"


@given(data=st.data())
def test_whatever_the_bytes_of_a_certificate_the_answer_is_yes_or_a_refusal(data: st.DataObject) -> None:
    der = bytearray(CX.der)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(der) - 1))
        der[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    for auth, headers in (
        (policy("rfc9440"), {"Client-Cert": f":{base64.b64encode(der).decode()}:"}),
        (policy("rfc9440"), {"Client-Cert": f":{base64.b64encode(data.draw(st.binary())).decode()}:"}),
    ):
        assert outcome(auth, headers) in ("mtls", *REASONS)


@profiles
def test_a_handler_does_not_see_the_certificate(proxy: str) -> None:
    webhook, seen = Counted(policy(proxy)), list[str]()

    def look(ctx: Context) -> None:
        seen.extend([*ctx.http.headers.values(), repr(ctx.http), repr(webhook.auth), ctx.principal.name])

    webhook.add_handler("look", look)
    headers = {"Authorization": None, **MADE[proxy](CX)}
    assert post(webhook, body_of("look"), headers=headers, REMOTE_ADDR=TRUSTED).status == 200
    assert not [text for text in seen if LEAF in text or PEM in text]
    assert SUBJECT in seen


def test_its_repr_tells_the_configuration() -> None:
    assert repr(MutualTls(SUBJECT, "a.example", proxy="nginx", peers=["10.0.0.1", "fd00::/8"])) == (
        "MutualTls(subjects=['CN=Google LLC'], sans=['a.example'], proxy='nginx', peers=['10.0.0.1/32', 'fd00::/8'])"
    )


def test_both_published_identities_can_be_listed() -> None:
    auth = policy(subjects=GOOGLE_CLIENT_SUBJECTS)
    for subject in ("CN=Google LLC,O=Google LLC,C=US", "CN=*.dialogflow.com"):
        assert ask(auth, nginx(issue(CA, subject))).status == 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "subjects="),
        ({"subjects": ()}, "subjects="),
        ({"subjects": ""}, "distinguished name"),
        ({"subjects": ["Google LLC"]}, "distinguished name"),
        ({"subjects": ["/CN=Google LLC"]}, "distinguished name"),
        ({"subjects": ["CN=Google LLC, O=Google LLC"]}, "no space behind a comma"),
        ({"subjects": [None]}, "takes texts"),
        ({"subjects": ["CN=a\n"]}, "takes texts"),
        ({"sans": [""]}, "neither"),
        ({"sans": ["10.0.0.1"]}, "neither"),
        ({"sans": ["a b"]}, "neither"),
        ({"subjects": SUBJECT, "proxy": "haproxy", "peers": PEERS}, "gcp-lb, nginx, envoy, rfc9440"),
        ({"subjects": SUBJECT, "proxy": "nginx"}, "go together"),
        ({"subjects": SUBJECT, "peers": PEERS}, "go together"),
        ({"subjects": SUBJECT, "proxy": "nginx", "peers": ["10.0.0.1/8"]}, "is no network"),
        ({"subjects": SUBJECT, "proxy": "nginx", "peers": ["proxy.example"]}, "is no network"),
        ({"subjects": SUBJECT, "proxy": "nginx", "peers": ["0.0.0.0/0"]}, "everybody"),
        ({"subjects": SUBJECT, "proxy": "nginx", "peers": ["10.0.0.0/8", "::/0"]}, "everybody"),
        ({"subjects": SUBJECT, "proxy": "nginx", "peers": ["::ffff:0:0/96"]}, "everybody"),
        ({"subjects": SUBJECT, "proxy": "nginx", "peers": ["0.0.0.0/1", "128.0.0.0/1"]}, "everybody"),
    ],
)
def test_a_wrong_configuration_does_not_start(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        MutualTls(**arguments)


def test_a_mapped_network_is_that_of_ipv4() -> None:
    auth = policy(peers=["::ffff:10.0.0.0/104"])
    assert ask(auth, nginx(CX)).status == 200
    assert ask(auth, nginx(CX), STRANGER).status == 401
