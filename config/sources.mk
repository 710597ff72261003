# Sources of config/, relative to the top folder.
SRC += config/account_key.c config/address.c config/blocked_keys.c config/check.c config/check_va.c config/config.c config/manual.c config/options.c config/parse.c config/quorum.c \
	config/read.c config/report.c config/sample.c config/sample_perspective.c config/scan.c config/value.c config/value_certificate.c config/value_network.c config/wire.c
