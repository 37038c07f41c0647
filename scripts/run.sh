#!/usr/bin/env bash
# What `make run` does after the build: starts the server, sends real photos through its API, prints what was found and
# decided, and keeps serving until Ctrl-C.
#
#   LISTEN=127.0.0.1:4600   address to serve on
#   LIKENESS_DATA=./data    where faces, keys, pictures and the server's log are kept
#   ONCE=1                  end after the output: 0 if everything worked, 1 if not
set -uo pipefail
cd "$(dirname "$0")/.."

listen="${LISTEN:-127.0.0.1:4600}"
data="${LIKENESS_DATA:-$PWD/data}"
cache="${LIKENESS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/likeness}"
likeness="${LIKENESS_BIN:-$PWD/build/release/likeness}"
photos="$cache/photos"
pictures="$data/pictures"
# An access key of the environment becomes the server's root key; the rest would only lead elsewhere.
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL LIKENESS_ENDPOINT
export AWS_REGION=us-east-1

bold='' faint='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' faint=$'\e[2m' plain=$'\e[0m'; fi
die() { printf 'run: %s\n' "$*" >&2; exit 1; }
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

[ -x "$likeness" ] || die "$likeness is not there: run make build first."
[ -f "$photos/astronaut.png" ] || die "the sample photos are not in $photos: run scripts/setup.sh first."
mkdir -p "$pictures" && chmod 700 "$data" || die "the data folder $data cannot be made: set LIKENESS_DATA to another."

host="${listen%:*}" port="${listen##*:}"
if [ "$port" != 0 ] && (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
  die "port $port is taken, perhaps by a server that you started before: stop it, or choose another port with
     LISTEN=$host:$((port + 1)) make run"
fi

log="$data/server.log"
ready="$(mktemp)"
server=
stop() {
  trap '' INT TERM
  if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then wait "$server"; fi
  rm -f "$ready"
}
trap stop EXIT
trap 'printf "\n"; exit 0' INT TERM

"$likeness" serve --data "$data" --listen "$listen" >"$ready" 2>"$log" &
server=$!
for ((i = 0; i < 600; i++)); do
  [ -s "$ready" ] && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
endpoint="$(sed -n 's/^ready //p' "$ready")"
if [ -z "$endpoint" ]; then
  tail -n 5 "$log" >&2
  server=
  die "the server did not start; its last words stand above, all of them in $log."
fi

# Verdicts of photos are exit codes 0 and 1; from 2 on something did not work.
ok=yes
through_the_server() {
  local command="$1"
  shift
  (cd "$photos" && "$likeness" "$command" "$@" --endpoint "$endpoint" --data "$data")
  [ $? -lt 2 ]
}

printf '%s%s%s serves Rekognition'"'"'s face API on %s%s%s\n' \
  "$bold" "$("$likeness" --version)" "$plain" "$bold" "$endpoint" "$plain"
printf '%sdata, keys and log are in %s; everything below goes through that endpoint%s\n' "$faint" "$data" "$plain"

title "1. Are these passport photos?  (rules/passport.yaml: four attributes, each over 90 % sure)"
through_the_server check astronaut.png sample1.jpg sample2.jpg sample3.jpg sample4.jpg sample5.jpg sample6.jpg \
  --draw "$pictures" || ok=no

title "2. Who is on sample3.jpg?  (the faces of the other photos are indexed, each of its faces is searched for)"
index="$(through_the_server index demo astronaut.png sample1.jpg sample2.jpg sample4.jpg sample5.jpg sample6.jpg 2>&1)" ||
  ok=no
tail -n 1 <<<"$index"
through_the_server search demo sample3.jpg --all --draw "$pictures/who.png" || ok=no
[ -s "$pictures/who.png" ] && [ -s "$pictures/astronaut.png" ] || ok=no

if [ $ok = no ]; then
  tail -n 5 "$log" >&2
  die "something above did not work; the server's log is $log."
fi

if [ -z "${ONCE:-}" ]; then
  title "3. Your turn, in another terminal: any AWS SDK works with these three variables"
  cat <<TEXT
export AWS_ENDPOINT_URL=$endpoint AWS_SHARED_CREDENTIALS_FILE=$data/credentials AWS_REGION=$AWS_REGION

aws rekognition detect-faces --image-bytes fileb://$photos/sample1.jpg --attributes ALL --query 'FaceDetails[].[AgeRange,Emotions[0],Smile]'

python3 -c "import boto3; print(boto3.client('rekognition').search_faces_by_image(CollectionId='demo', Image={'Bytes': open('$photos/sample6.jpg', 'rb').read()})['FaceMatches'][0]['Face'])"

curl -s --aws-sigv4 aws:amz:$AWS_REGION:rekognition --user "\$(sed -n 's/^aws_.*_key.* = //p' $data/credentials | paste -sd:)" -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: RekognitionService.DescribeCollection' -d '{"CollectionId":"demo"}' $endpoint
TEXT
  printf '\n%sserving until Ctrl-C%s\n' "$faint" "$plain"
  wait "$server"
  code=$?
  server=
  exit $code
fi
