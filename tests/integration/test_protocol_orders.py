"""RFC 8555, 7.1.3, 7.1.4, 7.1.6, 7.4, 7.5 and 8: orders, authorizations, challenges, finalize."""

from harness.acme import Client, check_problem


def test_rfc8555_7_1_6_expired_order(make_server):
    """Orders and authorizations end by themselves; the shortest lifetime is a minute, so the database is told."""
    import sqlite3
    server = make_server()
    client = Client(server)
    order = client.order(["expired.test"])
    server.stop()
    db = sqlite3.connect(f"{server.home}/data/signet.db")
    db.execute("UPDATE orders SET expires = 1000000000")
    db.execute("UPDATE authorizations SET expires = 1000000000")
    db.commit()
    db.close()
    server.start()
    client = Client(server, client.key)
    reply = client.get(order.headers["Location"])
    if reply.status_code == 200:            # housekeeping may have been there first
        assert reply.json()["status"] == "invalid" and "expired" in reply.json()["error"]["detail"]
        authorization = client.get(order.json()["authorizations"][0])
        assert authorization.json()["status"] == "invalid"     # 7.1.6: of a pending one
    else:
        check_problem(reply, "malformed", 404)
