#!/bin/sh
# Makes what the processes of an installation show each other and the broker, into a new folder:
#   <role>.secret      what the processes of a role show the others
#   <context>.nats     the password of a context's user at the broker
#   known              by what all know the others: BAEDAL_PEERS__KNOWN
#   nats.env           the passwords as the broker's variables
#   <role>-<n>.env     what an instance of a role gets from systemd, for n from 1 to 2
# usage: make-secrets.sh FOLDER
set -eu
umask 077
mkdir "$1"
cd "$1"
known=
for role in gateway identity order payment store delivery notification tracking; do
  # They begin with a letter, since what consists of digits would be read as a number.
  printf 's%s' "$(openssl rand -hex 32)" >"$role.secret"
  known="$known${known:+, }$role=[\"sha256:$(sha256sum <"$role.secret" | cut -d ' ' -f 1)\"]"
  if [ "$role" = gateway ]; then
    settings="BAEDAL_PEERS__SECRET=$(cat "$role.secret")"
  else
    printf 'n%s' "$(openssl rand -hex 24)" >"$role.nats"
    printf 'NATS_%s_PASSWORD=%s\n' "$(echo "$role" | tr '[:lower:]' '[:upper:]')" "$(cat "$role.nats")" >>nats.env
    settings=$(printf 'BAEDAL_PEERS__SECRET=%s\nBAEDAL_NATS__USER=%s\nBAEDAL_NATS__PASSWORD=%s' \
      "$(cat "$role.secret")" "$role" "$(cat "$role.nats")")
  fi
  for number in 1 2; do
    printf '%s\n' "$settings" >"$role-$number.env"
  done
done
printf '{%s}' "$known" >known
