#include "acme/status.h"

const char *
account_status_text(enum account_status status)
{
	switch (status) {
	case ACCOUNT_VALID:
		return "valid";
	case ACCOUNT_DEACTIVATED:
		return "deactivated";
	case ACCOUNT_REVOKED:
		return "revoked";
	}
	return "invalid";
}

const char *
order_status_text(enum order_status status)
{
	switch (status) {
	case ORDER_STATUS_PENDING:
		return "pending";
	case ORDER_STATUS_READY:
		return "ready";
	case ORDER_STATUS_PROCESSING:
		return "processing";
	case ORDER_STATUS_VALID:
		return "valid";
	case ORDER_STATUS_INVALID:
		return "invalid";
	case ORDER_STATUS_CANCELED:
		return "canceled";
	}
	return "invalid";
}

const char *
authorization_status_text(enum authorization_state state, long long expires, long long now)
{
	switch (state) {
	case AUTHORIZATION_PENDING:
		/* RFC 8555, 7.1.6: a pending authorization that expires becomes invalid. */
		return expires <= now ? "invalid" : "pending";
	case AUTHORIZATION_PROCESSING:
		/* It may still become valid, and "invalid" could not be taken back. */
		return "pending";
	case AUTHORIZATION_VALID:
		return expires <= now ? "expired" : "valid";
	case AUTHORIZATION_INVALID:
		return "invalid";
	case AUTHORIZATION_DEACTIVATED:
		return "deactivated";
	case AUTHORIZATION_REVOKED:
		return "revoked";
	}
	return "invalid";
}
