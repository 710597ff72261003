SRC += va/ballot.c va/ballot_words.c va/body.c va/caa.c va/caa_set.c va/check.c va/connector.c va/dial.c va/dns_01.c va/dns_account_01.c \
	va/dns_answer.c va/dns_message.c va/dns_persist_01.c va/dns_verdict.c va/egress.c va/fetch.c va/frame.c va/gate.c va/hosts.c va/http_01.c \
	va/issue_value.c va/line.c va/link.c va/method.c va/own.c va/persist_set.c va/probe.c va/proxy_talk.c va/record.c va/remote.c va/resolver.c \
	va/server_set.c va/sockets.c va/station.c va/target.c va/tls.c va/tls_alpn_01.c va/txt.c va/url.c va/va.c \
	va/viewpoint.c
