"""What the integration and client tests stand on: the real server, a DNS and a web server of ours for it to
ask, and an ACME client that lets a test decide about every byte."""
