#!/bin/sh
# Write random secrets for compose.yaml into secrets/, and a certificate of their own for the name given.
# What is there stays: it can be run again.
#
#   deploy/make-secrets.sh [NAME] [FOLDER]       NAME is the desk's, such as desk.example.com (default localhost)
set -eu
name=${1:-localhost}
folder=${2:-secrets}
umask 077
mkdir -p "$folder"

random() { # of 256 or more bits, in letters and digits
    openssl rand -base64 "$1" | tr -d '\n+/='
}

# Readable for the container's account, 10001. Others are kept out by the folder, which is its owner's alone.
store() {
    cat >"$folder/$1.new"
    chmod 444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
}

secret() {
    [ -s "$folder/$1" ] || random "$2" | store "$1"
}

command -v openssl >/dev/null || { echo "openssl is needed: install it" >&2; exit 1; }
# An older desk has encrypted secrets of webhooks under SECRET_KEY. It goes behind the new key.
if [ -s "$folder/secret_key" ] && [ ! -s "$folder/webhook_secret_keys" ]; then
    { random 48; printf ','; cat "$folder/secret_key"; } | store webhook_secret_keys
fi
secret database_password 36
secret secret_key 72
secret api_key_peppers 48
secret two_factor_keys 48
secret webhook_secret_keys 48
secret metrics_token 36
secret operator_password 24
if [ ! -s "$folder/tls.crt" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name" -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
    chmod 444 "$folder/tls.crt"
    echo "$folder/tls.crt is its own authority: browsers warn. TLS_CERTIFICATE and TLS_KEY name one of yours."
fi
echo "$folder/ has the secrets. Keep a copy: without api_key_peppers no API key is accepted,"
echo "without two_factor_keys no second factor, and without webhook_secret_keys no webhook is sent."
