SRC += ra/ocsp.c
SRC += ra/account.c ra/accounts.c ra/admin.c ra/admin_account.c ra/admin_authz.c ra/admin_bounds.c ra/admin_call.c \
	ra/admin_cert.c ra/admin_eab.c ra/admin_limit.c ra/admin_try.c ra/authenticate.c ra/authorization.c \
	ra/authorization_new.c ra/certificate.c ra/charges.c ra/conduct.c ra/conduct_look.c ra/conduct_report.c ra/conduct_trace.c ra/contact.c \
	ra/crl.c ra/external.c ra/faults.c ra/finalize.c ra/housekeeping.c ra/issued.c ra/issuers.c \
	ra/key_change.c ra/later.c ra/layers.c ra/limits.c ra/limits_request.c ra/manage.c \
	ra/manage_certificate.c ra/manage_conformance.c ra/manage_test.c ra/nonce.c ra/order.c ra/order_read.c \
	ra/order_view.c ra/orders_list.c ra/park.c ra/policy.c ra/ra.c ra/recovery.c ra/renewal.c ra/reply.c \
	ra/request.c ra/retry.c ra/reuse.c ra/revocation.c ra/revocation_write.c ra/star.c ra/star_order.c ra/terms.c ra/trial.c \
	ra/validation.c
