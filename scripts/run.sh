#!/usr/bin/env bash
# What `make run` does after the build: starts the server, deploys the photo check, puts real photos through it, prints the
# rows of its table and who is on a photo, and keeps serving until Ctrl-C.
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

owner() { "$likeness" "$@" --data "$data"; }  # as the owner of the data folder

title "1. The photo check: a photo is put into a bucket, a function judges it, a row appears in a table"
calls="$(owner deploy apps/photo_check/deploy.json)" || ok=no
printf '%sapps/photo_check/deploy.json, %s API calls: bucket photo-check, function photo-check, table ValidationRequests%s\n' \
  "$faint" "$(wc -l <<<"$calls")" "$plain"
# Portraits are cut out of two of the sample photos; two files have a fault of another kind.
portraits="$data/portraits"
rm -rf "$portraits"
through_the_server detect sample2.jpg sample3.jpg --crops "$portraits" >/dev/null || ok=no
cd "$portraits" && mv sample3-3.jpg ann.jpg && mv sample3-2.jpg bea.jpg && mv sample2-2.jpg cem.jpg && rm sample*.jpg &&
  cp "$photos/astronaut.png" "$photos/sample1.jpg" . && printf 'not a photo' >notes.jpg && cd "$OLDPWD" || ok=no
for file in "$portraits"/*; do
  owner call dynamodb DeleteItem "{\"TableName\":\"ValidationRequests\",\"Key\":{\"FileName\":{\"S\":\"${file##*/}\"}}}" \
    >/dev/null || ok=no
done
began=$(date +%s%3N)
owner upload "$portraits"/* --to s3://photo-check/ >/dev/null || ok=no
rows='{"Items":[]}'
for ((i = 0; i < 600; i++)); do
  rows="$(owner call dynamodb Scan '{"TableName":"ValidationRequests"}')" || break
  [[ "$rows" == *'"Count":6,'* ]] && break
  sleep 0.1
done
[[ "$rows" == *'"Count":6,'* ]] || ok=no
took=$(($(date +%s%3N) - began))
ROWS="$rows" BOLD="$bold" PLAIN="$plain" python3 - <<'PYTHON' || ok=no
import json, os
bold, plain = os.environ["BOLD"], os.environ["PLAIN"]
rows = json.loads(os.environ["ROWS"])["Items"]
for row in sorted(rows, key=lambda row: (row["ValidationResult"]["S"] != "PASS", row["FileName"]["S"])):
    reasons = "; ".join(reason["M"]["Reason"]["S"] for reason in row["Reasons"]["L"])
    print(f'{bold}{row["ValidationResult"]["S"]}{plain}  {row["FileName"]["S"]:14} {reasons}')
PYTHON
printf '%s%s rows %s ms after the first upload began; the photos are in %s%s\n' "$faint" "$(grep -o '"FileName"' <<<"$rows" | wc -l)" \
  "$took" "$portraits" "$plain"

title "2. Who is on sample3.jpg?  (the faces of the other photos are indexed, each of its faces is searched for)"
index="$(through_the_server index demo astronaut.png sample1.jpg sample2.jpg sample4.jpg sample5.jpg sample6.jpg 2>&1)" ||
  ok=no
tail -n 1 <<<"$index"
through_the_server search demo sample3.jpg --all --draw "$pictures/who.png" || ok=no
[ -s "$pictures/who.png" ] || ok=no

if [ $ok = no ]; then
  tail -n 5 "$log" >&2
  die "something above did not work; the server's log is $log."
fi

if [ -z "${ONCE:-}" ]; then
  title "3. Your turn, in another terminal: any AWS SDK works with these three variables"
  cat <<TEXT
export AWS_ENDPOINT_URL=$endpoint AWS_SHARED_CREDENTIALS_FILE=$data/credentials AWS_REGION=$AWS_REGION

aws s3 cp $portraits/ann.jpg s3://photo-check/mine.jpg    # your own photo goes the same way
aws dynamodb get-item --table-name ValidationRequests --key '{"FileName":{"S":"mine.jpg"}}' --query Item.ValidationResult
aws logs tail /aws/lambda/photo-check

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
