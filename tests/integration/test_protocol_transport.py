"""RFC 8555, 5, 6 and 7.1 to 7.2: transport, JWS, nonces, the directory."""

from harness.acme import check_problem


def test_rfc8555_6_7_problem_says_where_it_is_written(shared):
    """The detail names the section that was broken, so that a client's author can look it up."""
    reply = shared.post(shared.directory["newOrder"], {"identifiers": []})
    assert "RFC 8555, 7.4" in check_problem(reply, "malformed", 400)["detail"]


def test_request_id_links_answer_and_log(server, shared):
    reply = shared.get(shared.kid)
    line = server.wait_log(rf"request id={reply.headers['Request-Id']} .*")[0]
    assert "status=200" in line and shared.kid.rsplit("/",
                                                      1)[1] in line and "user_agent=signet-tests/1" in line
