#!/bin/sh
# Makes an authority of one's own and the certificates that it signs, so that gateway, services and broker speak TLS:
#   authority.pem            what all believe: peers.tls_root, nats.tls_root
#   authority.key            what it signs with: keep it somewhere else, no process needs it
#   <context>.pem, .key      what a context shows: tls
#   nats.pem, nats.key       what the broker shows
# Where the folder is there already, its authority signs new certificates, so they are renewed: say the same HOSTs again.
# Those of the processes and of the broker are good for 90 days, the authority's own for ten years.
# usage: make-certificates.sh FOLDER [HOST…]
# Each is for 127.0.0.1, localhost, its own name in Kubernetes (baedal-<context> in the namespace baedal), and each HOST,
# which is a name or an address.
set -eu
umask 077
folder=$1
shift
mkdir -p "$folder"
cd "$folder"
if [ ! -e authority.pem ]; then
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out authority.key
  openssl req -x509 -new -key authority.key -sha256 -days 3650 -subj '/CN=Baedal, between its processes' \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -out authority.pem
fi
others=
for host in "$@"; do
  case $host in
    *:* | *[0-9].[0-9]*.[0-9]*.[0-9]*) others="$others,IP:$host" ;;
    *) others="$others,DNS:$host" ;;
  esac
done
for name in identity order payment store delivery notification tracking nats; do
  service=baedal-$name
  names="DNS:localhost,IP:127.0.0.1,DNS:$service,DNS:$service.baedal,DNS:$service.baedal.svc$others"
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$name.key.new"
  printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$names" >extensions
  openssl req -new -key "$name.key.new" -subj "/CN=$service" |
    openssl x509 -req -CA authority.pem -CAkey authority.key -CAcreateserial -sha256 -days 90 -extfile extensions \
      -out "$name.pem.new" 2>/dev/null
  mv "$name.key.new" "$name.key"
  mv "$name.pem.new" "$name.pem"
done
rm -f extensions authority.srl
