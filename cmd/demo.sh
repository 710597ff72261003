#!/bin/sh
# What `make run` does: a demo CA in ./demo, made on first use, run in the foreground. It needs no root port, no
# real DNS and nothing outside this machine: names under .localhost are loopback (RFC 6761, 6.3), and
# http-01 is asked for on port 5002.
set -eu

signet=$1
top=$(pwd)
dir=$top/demo

if [ ! -e "$dir/signet.yaml" ]; then
	"$signet" init --dir "$dir" --name "signet demo CA" --demo >/dev/null
fi
fingerprint=$(openssl x509 -in "$dir/pki/root.pem" -noout -fingerprint -sha256 | sed 's/.*=//')

# certbot remembers accounts by server; a new demo CA, which knows none of them, gets a new folder.
state='~'/signet-demo-$(echo "$fingerprint" | tr -d : | cut -c1-8)

cat <<EOF

signet demo CA
  directory         https://localhost:9443/directory
  root certificate  $dir/pki/root.pem
  its SHA-256       $fingerprint
  web page          http://localhost:9080/

A first certificate, in a second terminal:

  REQUESTS_CA_BUNDLE=$dir/pki/root.pem \\
  certbot certonly --non-interactive --agree-tos --register-unsafely-without-email \\
    --server https://localhost:9443/directory --standalone --http-01-port 5002 \\
    --config-dir $state --work-dir $state --logs-dir $state \\
    -d www.demo.localhost

Ctrl-C stops it. Everything it knows is in $dir; remove that folder to start afresh.

EOF
exec "$signet" run --dir "$dir"
