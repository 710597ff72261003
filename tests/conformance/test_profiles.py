"""draft-ietf-acme-profiles: what the directory promises, and what an order may say."""
import pytest
from harness.acme import check_problem

pytestmark = pytest.mark.needs("profiles")


def order(client, **more):
    return client.post(client.directory["newOrder"],
                       {"identifiers": [{"type": "dns", "value": "profile.test"}], **more})


def test_profiles_draft_3_directory(shared):
    profiles = shared.directory["meta"]["profiles"]
    assert profiles and all(isinstance(text, str) and text for pair in profiles.items() for text in pair)


def test_profiles_draft_4_the_order_names_it(shared):
    for name in shared.directory["meta"]["profiles"]:
        reply = order(shared, profile=name)
        assert reply.status_code == 201 and reply.json()["profile"] == name
        assert shared.get(reply.headers["Location"]).json()["profile"] == name


def test_profiles_draft_4_a_default_is_one_of_them(shared):
    reply = order(shared)
    assert reply.status_code == 201
    assert reply.json().get("profile") in [None, *shared.directory["meta"]["profiles"]]


def test_profiles_draft_4_unknown(shared):
    check_problem(order(shared, profile="nonsuch"), "invalidProfile", 400, "nonsuch")
    check_problem(order(shared, profile=1), "malformed", 400, "profile")


@pytest.mark.needs("signet")
def test_profiles_draft_profile_is_used(client):
    issued = client.issue(["short.test"], profile="shortlived")
    assert issued.order["profile"] == "shortlived"
    lifetime = (issued.leaf.not_valid_after - issued.leaf.not_valid_before).total_seconds() + 1
    assert lifetime == 160 * 3600
