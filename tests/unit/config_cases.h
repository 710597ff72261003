/* config_cases.h: files with one mistake each, and what must be told. */
#ifndef SIGNET_TESTS_CONFIG_CASES_H
#define SIGNET_TESTS_CONFIG_CASES_H

struct mistake {
	const char	*yaml;
	unsigned	 line;
	const char	*key;
	const char	*says;
};

#define URL "wfe: {url: 'https://ca.lan'}\n"
#define A_KEY "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define OWN_PERSPECTIVE "perspective: {name: a, listen: [\"[::]:1\"], tls_key: " A_KEY ", evidence_key: " A_KEY	\
	", primary_key: " A_KEY "}\n"

/* clang-format off */
static const struct mistake mistakes[] = {
	/* keys */
	{ "name: x\n", 1, "wfe.url", "is missing" },
	{ URL "nmae: x\n", 2, "nmae", "did you mean name?" },
	{ URL "log:\n  levle: info\n", 3, "log.levle", "did you mean level?" },
	{ URL "http_port: 80\n", 2, "http_port", "did you mean va.http_port?" },
	{ URL "log: {colour: red}\n", 2, "log.colour", "here there are level, format" },
	{ URL "name: a\nname: b\n", 3, "name", "already set in line 2" },
	{ URL "wfe: {threads: 1}\n", 2, "wfe", "already set in line 1" },
	{ URL "log.level: info\n", 2, "log.level", "is no option" },
	{ URL "log:\n", 2, "log", "is empty" },
	{ URL "log: info\n", 2, "log", "is not a map" },
	{ URL "<<: {name: x}\n", 2, "<<", "is no option" },
	{ URL "? [a]\n: b\n", 2, "yaml", "is not a word" },
	{ "- a\n", 1, "yaml", "is not a map" },
	/* YAML */
	{ URL "name: &a x\n", 2, "yaml", "anchor" },
	{ URL "name: *a\n", 2, "yaml", "alias" },
	{ URL "name: !!str x\n", 2, "yaml", "tag" },
	{ URL "---\nname: x\n", 2, "yaml", "second document" },
	{ URL "name: [x\n", 3, "yaml", "check the indentation" },
	{ URL "\tname: x\n", 2, "yaml", "tab" },
	{ URL "ra: [[[[[[[[[[]]]]]]]]]]\n", 2, "yaml", "nest deeper than 8" },
	{ URL "name: \"\x80\"\n", 2, "yaml", "UTF-8" },
	/* types */
	{ URL "name: [x]\n", 2, "name", "is a list" },
	{ URL "name:\n", 2, "name", "has no value" },
	{ URL "name: ''\n", 2, "name", "is empty" },
	{ URL "name: 42\n", 2, "name", "write \"42\"" },
	{ URL "name: off\n", 2, "name", "write \"off\"" },
	{ URL "name: \"a\\0b\"\n", 2, "name", "NUL" },
	{ URL "name: \"a\\eb\"\n", 2, "name", "control character" },
	{ URL "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 2, "name",
	    "64 bytes" },
	{ URL "preset: boulder\n", 2, "preset", "private, pebble or webpki" },
	{ URL "ra: {workers: '8'}\n", 2, "ra.workers", "without quotes" },
	{ URL "ra: {workers: -1}\n", 2, "ra.workers", "from 0 to 256" },
	{ URL "ra: {workers: 8.5}\n", 2, "ra.workers", "whole number" },
	{ URL "ra: {workers: 99999999999999999999}\n", 2, "ra.workers", "from 0 to 256" },
	{ URL "ra: {external_account_required: yes}\n", 2, "ra.external_account_required", "true nor false" },
	{ URL "ra: {policy: {allow: nas.lan}}\n", 2, "ra.policy.allow",
	    "write it in brackets, as in [nas.lan]" },
	{ URL "ra: {policy: {allow: [a.lan,\n  {b: c}]}}\n", 3, "ra.policy.allow[1]", "is a map" },
	{ URL "va: {resolvers: []}\n", 2, "va.resolvers", "at least one" },
	/* durations */
	{ URL "ra: {lifetimes: {order: 7}}\n", 2, "ra.lifetimes.order", "write 7d, 7h, 7m or 7s" },
	{ URL "ra: {lifetimes: {order: 1w}}\n", 2, "ra.lifetimes.order", "d, h, m or s" },
	{ URL "ra: {lifetimes: {order: -1d}}\n", 2, "ra.lifetimes.order", "no duration" },
	{ URL "ra: {lifetimes: {order: 1s}}\n", 2, "ra.lifetimes.order", "from 1m to 90d" },
	{ URL "va: {timeout: 500ms}\n", 2, "va.timeout", "no duration" },
	{ URL "va: {timeout: 99999999999999999999d}\n", 2, "va.timeout", "out of range" },
	{ URL "ra: {finalize_wait: 1h}\n", 2, "ra.finalize_wait", "from 0s to 30s" },
	{ URL "ca: {profiles: {a: {lifetime: 4000d}}}\n", 2, "ca.profiles.a.lifetime", "to 3650d" },
	/* URLs and addresses */
	{ "wfe: {url: ca.lan}\n", 1, "wfe.url", "begins with https://" },
	{ "wfe: {url: 'https://ca.lan/'}\n", 1, "wfe.url", "write https://ca.lan, without a path" },
	{ "wfe: {url: 'https://ca.lan?x'}\n", 1, "wfe.url", "without a path, query" },
	{ "wfe: {url: 'https://u@ca.lan'}\n", 1, "wfe.url", "user name" },
	{ "wfe: {url: 'https://:443'}\n", 1, "wfe.url", "no host" },
	{ "wfe: {url: 'https://ca.lan:99999'}\n", 1, "wfe.url", "no host" },
	{ "wfe: {url: 'https://ca_.lan'}\n", 1, "wfe.url", "no host" },
	{ "wfe: {url: 'http://ca.lan'}\n", 1, "wfe.url", "or tls: off" },
	{ URL "ra: {terms_of_service: 'https://a.lan/a b'}\n", 2, "ra.terms_of_service", "%20" },
	{ "wfe:\n  url: https://ca.lan\n  listen: [9443]\n", 3, "wfe.listen[0]", "a number" },
	{ "wfe:\n  url: https://ca.lan\n  listen: ['localhost:9443']\n", 3, "wfe.listen[0]",
	    "not looked up" },
	{ "wfe:\n  url: https://ca.lan\n  listen: ['::1:9443']\n", 3, "wfe.listen[0]",
	    "no address with a port" },
	{ "wfe:\n  url: https://ca.lan\n  names: ['ca.lan:80']\n", 3, "wfe.names[0]", "without a port" },
	{ URL "va: {resolvers: [dns.lan]}\n", 2, "va.resolvers[0]", "no resolver" },
	{ URL "va: {resolvers: [system, 10.0.0.1]}\n", 2, "va.resolvers", "beside addresses" },
	{ URL "va: {targets: {allow: [10.0.0.1]}}\n", 2, "va.targets.allow[0]", "write 10.0.0.1/32" },
	{ URL "va: {targets: {allow: [10.1.2.3/8]}}\n", 2, "va.targets.allow[0]", "write 10.0.0.0/8" },
	{ URL "va: {targets: {allow: [10.0.0.0/33]}}\n", 2, "va.targets.allow[0]", "0 to 32" },
	{ URL "va: {targets: {allow: ['fd00::/129']}}\n", 2, "va.targets.allow[0]", "0 to 128" },
	{ URL "va: {targets: {allow: [intranet]}}\n", 2, "va.targets.allow[0]", "no network" },
	{ URL "va: {zones: {'a b': ['10.0.0.1']}}\n", 2, "va.zones.a b", "no DNS name" },
	{ URL "va: {zones: {a.lan: 10.0.0.1}}\n", 2, "va.zones.a.lan", "in brackets" },
	/* names and records */
	{ URL "ra: {policy: {allow: ['*.*.lan']}}\n", 2, "ra.policy.allow[0]", "no name pattern" },
	{ URL "ra: {policy: {allow: [nas*.lan]}}\n", 2, "ra.policy.allow[0]", "no name pattern" },
	{ URL "ra: {policy: {allow: [10.0.0.1]}}\n", 2, "ra.policy.allow[0]", "write 10.0.0.1/32" },
	{ URL "va: {targets: {nat64: [\"10.0.0.0/8\"]}}\n", 2, "va.targets.nat64[0]", "no prefix of a NAT64 translator" },
	{ URL "va: {targets: {nat64: [\"2001:db8::/72\"]}}\n", 2, "va.targets.nat64[0]", "32, 40, 48, 56, 64 or 96" },
	{ URL "va: {targets: {nat64: [\"2001:db8::1/64\"]}}\n", 2, "va.targets.nat64[0]", "write 2001:db8::/64" },
	{ URL "va: {targets: {nat64: [\"2001:db8::\"]}}\n", 2, "va.targets.nat64[0]", "no prefix length" },
	{ URL "ra: {policy: {allow: [10.0.0.1/8]}}\n", 2, "ra.policy.allow[0]", "write 10.0.0.0/8" },
	{ URL "ra: {policy: {allow: ['fd00::/129']}}\n", 2, "ra.policy.allow[0]", "0 to 128" },
	{ URL "ra: {policy: {allow: [10.0.0/8]}}\n", 2, "ra.policy.allow[0]", "no name pattern" },
	{ URL "ra: {policy: {allow: [a.lan, A.lan]}}\n", 2, "ra.policy.allow[1]", "twice" },
	{ URL "ca: {issuers: []}\n", 2, "ca.issuers", "at least one" },
	{ URL "ca:\n  issuers:\n  - {certificate: a}\n", 4, "ca.issuers[0]", "has no key" },
	{ URL "ca: {issuers: [{certificate: a, key: b, kye: c}]}\n", 2, "ca.issuers[0].kye",
	    "certificate, key" },
	{ URL "ca: {issuers: [{certificate: a, key: b, chains: [c, a]}]}\n", 2, "ca.issuers[0]",
	    "is the default already" },
	{ URL "ca: {issuers: [{certificate: a, key: b, chains: c}]}\n", 2, "ca.issuers[0].chains",
	    "write it in brackets, as in [c]" },
	{ URL "ca: {issuers: {certificate: a, key: b}}\n", 2, "ca.issuers", "is not a list" },
	{ URL "ca: {profiles: {a: {lifetime: 90d, issuers: [x]}}}\n", 2, "ca.profiles.a",
	    "names the issuer x, and none of ca.issuers has name: x" },
	{ URL "ca:\n  issuers: [{certificate: a, key: b, name: x}, {certificate: c, key: d, name: x}]\n", 3,
	    "ca.issuers[1]", "has the name of ca.issuers[0]" },
	{ URL "ca:\n  issuers: [{certificate: a, key: b}, {certificate: c, key: d, name: x, key_types: [p256]}]\n"
	    "  profiles: {a: {lifetime: 1d}, b: {lifetime: 1d, issuers: [x], key_types: [p256, ed25519]}}\n", 4,
	    "ca.profiles.b", "takes ed25519 keys, and none of its issuers does" },
	{ URL "ca:\n  issuers: [{certificate: a, key: b, key_types: [rsa2048]}]\n", 3, "ca.issuers",
	    "none that certifies the server's own key" },
#define PROFILE(o) URL "ca: {profiles: {a: {lifetime: 90d, " o "}}}\n"
	{ PROFILE("subject: [CN=x]"), 2, "ca.profiles.a.subject[0]", "no field of a subject" },
	{ PROFILE("subject: [C=de]"), 2, "ca.profiles.a.subject[0]", "two capital letters" },
	{ PROFILE("subject: [C=DEU]"), 2, "ca.profiles.a.subject[0]", "from 1 to 2 characters" },
	{ PROFILE("subject: [O=]"), 2, "ca.profiles.a.subject[0]", "from 1 to 64 characters" },
	{ PROFILE("subject: [\"O=a\\tb\"]"), 2, "ca.profiles.a.subject[0]", "control character" },
	{ PROFILE("policy: 1.2.x"), 2, "ca.profiles.a.policy", "no OID" },
	{ PROFILE("policy: serverAuth"), 2, "ca.profiles.a.policy", "no OID" },
	{ PROFILE("extended_key_usages: [2.5.29.37.0]"), 2, "ca.profiles.a.extended_key_usages[0]",
	    "stand for every usage" },
	{ PROFILE("extended_key_usages: [1.3.6.1.5.5.7.3.1]"), 2, "ca.profiles.a.extended_key_usages[0]",
	    "server_auth: true" },
	{ PROFILE("extended_key_usages: [1.3.6.1.5.5.7.3.9]"), 2, "ca.profiles.a.extended_key_usages[0]",
	    "sign OCSP answers" },
	{ URL "ca: {profiles: {a: 90d}}\n", 2, "ca.profiles.a", "is not a map" },
	{ URL "ca: {profiles: {a: {}}}\n", 2, "ca.profiles.a", "has no lifetime" },
	{ URL "ca: {profiles: {a b: {lifetime: 90d}}}\n", 2, "ca.profiles.a b", "no name" },
	{ URL "ca:\n  profiles:\n    a: {lifetime: 90d}\n    a: {lifetime: 1d}\n", 5, "ca.profiles.a",
	    "line 4" },
	/* not served */
	{ URL "va: {dnssec: required, zones: {b.test: {resolvers: [1.1.1.1], direct: true}}}\n", 2, "va.zones.b.test",
	  "which validate nothing" },
	{ URL "va: {zones: {b.test: {resolvers: [1.1.1.1], direct: true, dnssec: required}}}\n", 2, "va.zones.b.test",
	  "write dnssec: if-present" },
	{ URL "va: {perspectives: [{name: a, zones: {b.test: [system, 1.1.1.1]}}]}\n", 2, "va.perspectives[0].zones.b.test",
	  "stands beside addresses" },
	{ URL "va: {perspectives: [{name: a, zones: {b.test: {}}}]}\n", 2, "va.perspectives[0].zones.b.test", "has no resolvers" },
	{ URL "va: {perspectives: [{name: a, proxy: \"10.0.0.9:1080\"}]}\n", 2, "va.perspectives[0].proxy", "is no proxy" },
	{ URL "va: {perspectives: [{name: a, proxy: \"socks5://proxy.lan:1080\"}]}\n", 2, "va.perspectives[0].proxy",
	  "names are not looked up here" },
	{ URL "va: {perspectives: [{name: a, proxy: \"socks5://me@10.0.0.9:1080\"}]}\n", 2, "va.perspectives[0].proxy",
	  "USER:PASSWORD@" },
	{ URL "va: {perspectives: [{name: a, source: 1.1.1.1, resolver: x}]}\n", 2, "va.perspectives[0].resolver", "is no option" },
	{ URL "va: {perspectives: [{name: a}]}\n", 2, "va.perspectives[0]", "sees what the server itself sees" },
	{ URL "va: {perspectives: [{name: primary, resolvers: [1.1.1.1]}]}\n", 2, "va.perspectives[0]",
	  "is called primary" },
	{ URL "va: {perspectives: [{name: a, source: 1.1.1.1}, {name: a, source: 1.1.1.2}]}\n", 2,
	  "va.perspectives[1]", "the name of va.perspectives[0]" },
	{ URL "va: {perspectives: [{name: a, address: \"1.1.1.1:9444\"}]}\n", 2, "va.perspectives[0]",
	  "no tls_key or no evidence_key" },
	{ URL "va: {perspectives: [{name: a, address: a.lan}]}\n", 2, "va.perspectives[0].address", "is no address" },
	{ URL "va: {perspectives: [{name: a, address: \":9444\"}]}\n", 2, "va.perspectives[0].address", "is no address" },
	{ URL "va: {perspectives: [{name: a, address: \"a_b.lan:9444\"}]}\n", 2, "va.perspectives[0].address", "fra.example:9444" },
	{ URL "va: {perspectives: [{name: a, address: a.lan:9444}]}\n", 2, "va.perspectives[0]", "no tls_key" },
	{ URL "va: {perspectives: [{name: a, tls_key: abc, source: 1.1.1.1}]}\n", 2, "va.perspectives[0].tls_key",
	  "is no Ed25519 key" },
	{ URL "va: {perspectives: [{name: a, source: 1.1.1.1, evidence_key: " A_KEY "}]}\n", 2, "va.perspectives[0]",
	  "has keys and no address" },
	{ URL "va: {perspectives: [{name: a, address: \"1.1.1.1:1\", tls_key: " A_KEY ", evidence_key: " A_KEY
	  ", source: 1.1.1.1}]}\n", 2, "va.perspectives[0]", "stand in its own file" },
	{ URL "perspective: {primary_key: " A_KEY "}\n", 2, "perspective.primary_key", "stands without perspective.name" },
	{ OWN_PERSPECTIVE "wfe: {listen: [\"[::]:1\"]}\n", 2, "wfe.listen", "is an option of a server" },
	{ OWN_PERSPECTIVE "va: {perspectives: [{name: a, source: 1.1.1.1}]}\n", 2, "va.perspectives", "no meaning" },
	{ "perspective: {name: a, listen: [], tls_key: " A_KEY ", evidence_key: " A_KEY ", primary_key: " A_KEY "}\n", 1,
	  "perspective.listen", "nobody could ask" },
	{ "perspective: {name: a, listen: [\"[::]:1\"], tls_key: " A_KEY ", evidence_key: " A_KEY "}\n", 1,
	  "perspective.primary_key", "is missing" },
	{ URL "va: {perspectives: [{name: a, source: eth0}]}\n", 2, "va.perspectives[0].source", "is no address" },
	{ URL "va: {perspectives: [{name: a, resolvers: [system, 1.1.1.1]}]}\n", 2, "va.perspectives[0]",
	  "stands beside addresses" },
	{ URL "va: {perspectives: [{name: a, source: 1.1.1.1}],\n  quorum: {failures: 1}}\n", 3,
	  "va.quorum.failures", "lets all 1" },
	{ URL "va: {perspectives: [{name: a, source: 1.1.1.1}],\n  quorum: {regions: 2}}\n", 3, "va.quorum.regions",
	  "fewer regions" },
	{ URL "ra: {limits: {orders: 3}}\n", 2, "ra.limits.orders", "" },
	{ URL "ra: {limits: {failures: often}}\n", 2, "ra.limits.failures", "is no rate" },
	{ URL "ra: {limits: {failures: 3/}}\n", 2, "ra.limits.failures", "is no duration" },
	{ URL "ra: {limits: {failures: 0/1h}}\n", 2, "ra.limits.failures", "from 1 to 1000000" },
	{ URL "ra: {limits: {failures: 1000001/1h}}\n", 2, "ra.limits.failures", "from 1 to 1000000" },
	{ URL "ra: {limits: {failures: 5/3650d}}\n", 2, "ra.limits.failures", "out of range" },
	{ URL "ra: {limits: {failures: 5/hour}}\n", 2, "ra.limits.failures", "as in 50/7d, or none" },
	{ URL "ra: {limits: {pause_after: -1}}\n", 2, "ra.limits.pause_after", "" },
	{ URL "storage: postgresql://db/x\n", 2, "storage", "not served by this version" },
	{ URL "storage: data.db\n", 2, "storage", "write \"sqlite:\"" },
	/* contradictions */
	{ "wfe: {url: 'https://ca.lan', tls: {certificate: a}}\n", 1, "wfe.tls", "has no key" },
	{ "wfe: {url: 'https://ca.lan', tls: files}\n", 1, "wfe.tls",
	    "auto, {certificate: FILE, key: FILE} or off" },
	{ "wfe:\n  url: https://ca.lan\n  plain_listen: ['127.0.0.1:9443']\n", 3, "wfe.plain_listen",
	    "choose another port" },
	{ "wfe:\n  url: https://ca.lan\n  plain_listen: []\n  plain_url: http://a.lan\n", 4, "wfe.plain_url",
	    "switches off" },
	{ "wfe:\n  url: https://ca.lan\n  plain_url: https://a.lan\n", 3, "wfe.plain_url", "write http://" },
	{ URL "ra: {policy: {allow: [a.lan], deny: [a.lan]}}\n", 2, "ra.policy.deny", "deny wins" },
	{ URL "va: {targets: {allow: [self], deny: [self]}}\n", 2, "va.targets.deny", "allow wins" },
	{ URL "va: {zones: {a.lan: [system], A.LAN: [system]}}\n", 2, "va.zones.a.lan", "twice" },
	{ URL "evidence_key: keys/intermediate.pem\n", 1, "ca.issuers[0]", "different secrets" },
	{ "wfe: {url: 'https://ca.lan', tls: {certificate: a, key: b}}\nca: {issuers: [{certificate: a, key: b}]}\n",
	    2, "ca.issuers[0]", "faces the internet" },
	{ URL "evidence_key: data/evidence.key\n", 2, "evidence_key", "the database's folder" },
	{ URL "evidence_key: ./ledger/evidence.key\n", 2, "evidence_key", "the ledger's folder" },
	{ URL "ca: {issuers: [{certificate: a, key: data/a}]}\n", 2, "ca.issuers[0]", "such as keys" },
	{ URL "ca: {issuers: [{certificate: a, key: /srv/a}]}\nstorage: 'sqlite:/srv/signet.db'\n", 2,
	    "ca.issuers[0]", "lies in /srv" },
	{ URL "ledger: data\n", 2, "ledger", "shares a folder" },
	{ URL "ledger: data/ledger\n", 2, "ledger", "shares a folder" },
	{ URL "ca: {issuers: [{certificate: a, key: a}]}\n", 2, "ca.issuers[0]", "split it" },
};

static const char many_mistakes[] =
	"nmae: x\n"
	"wfe:\n"
	"  url: ftp://ca.lan\n"
	"  listen: [a, b]\n"
	"  tls: maybe\n"
	"ra: {workers: 1000, lifetimes: {order: 90}}\n"
	"va:\n"
	"  perspectives: [x]\n"
	"  targets: {allow: [0.0.0.1/0]}\n"
	"ca:\n"
	"  profiles: {default: {lifetime: 90}}\n"
	"  issuers: [{key: a}]\n";

static const char *const many_told[] = {
	"f.yaml:1: nmae: ",
	"f.yaml:3: wfe.url: ",
	"f.yaml:4: wfe.listen[0]: ",
	"f.yaml:4: wfe.listen[1]: ",
	"f.yaml:5: wfe.tls: ",
	"f.yaml:6: ra.workers: ",
	"f.yaml:6: ra.lifetimes.order: ",
	"f.yaml:8: va.perspectives[0]: ",
	"f.yaml:9: va.targets.allow[0]: ",
	"f.yaml:11: ca.profiles.default.lifetime: ",
	"f.yaml:12: ca.issuers[0]: ",
};

/* clang-format on */

#endif
