# The backing services: what runs, and how to tell that it works. Sourced, never run.
# All of them live in the cluster's network namespace, so nobody but pods and this machine can reach them.
source "$CLUSTER_HOME/lib/names.sh"
source "$CLUSTER_HOME/lib/processes.sh"
source "$CLUSTER_HOME/lib/binaries.sh"

SERVICES=(postgresql sqs s3 aws)
POSTGRES_PORT=5432
AWS_PORT=4566
S3_PORT=4567
AWS_REGION=us-east-1
POSTGRES_BIN=/usr/lib/postgresql/15/bin

run_postgresql() {
  local home=$DIR/postgresql
  if [ ! -e "$home/data/PG_VERSION" ]; then
    install -d -o postgres -m 700 "$home"
    (umask 077 && openssl rand -hex 16 >"$DIR/postgresql.password")
    install -o postgres -m 600 "$DIR/postgresql.password" "$home/password"
    runuser -u postgres -- "$POSTGRES_BIN/initdb" -D "$home/data" -U extraction --pwfile="$home/password" -A scram-sha-256 \
      --no-sync --no-instructions --locale=C.UTF-8 >"$LOG/initdb.log"
    echo "host all all $NETWORK scram-sha-256" >>"$home/data/pg_hba.conf"
  fi
  start postgresql setpriv --reuid=postgres --regid=postgres --clear-groups "$POSTGRES_BIN/postgres" -D "$home/data" \
    -c listen_addresses="127.0.0.1,$NODE_IP" -c port=$POSTGRES_PORT -c unix_socket_directories="$home" -c max_connections=300 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off
}

# emulator NAME PORT SERVICES: its queues and objects outlive a stop.
emulator() {
  start "$1" env BIND_HOST=127.0.0.1 GATEWAY_PORT="$2" SERVICES="$3" MINISTACK_HOST="$NODE_IP" MINISTACK_REGION=$AWS_REGION \
    PERSIST_STATE=1 STATE_DIR="$DIR/$1" S3_PERSIST=1 S3_DATA_DIR="$DIR/$1/objects" \
    "$CACHE/ministack-1.5.33/bin/python" -m ministack
}
run_sqs() { emulator sqs $AWS_PORT sqs,sts; }
run_s3() { emulator s3 $S3_PORT s3; }

run_aws() {
  start aws "$(binary gateway)" -listen "$NODE_IP:$AWS_PORT" -sqs "http://127.0.0.1:$AWS_PORT" -s3 "http://127.0.0.1:$S3_PORT" \
    -denied "$DIR/denied-aws-actions"
}

is_healthy() {
  case $1 in
    postgresql) "$POSTGRES_BIN/pg_isready" -q -h "$NODE_IP" -p $POSTGRES_PORT ;;
    sqs) in_network curl -sf -m 2 "http://127.0.0.1:$AWS_PORT/_ministack/health" ;;
    s3) in_network curl -sf -m 2 "http://127.0.0.1:$S3_PORT/_ministack/health" ;;
    aws) curl -s -m 2 -o /dev/null "http://$NODE_IP:$AWS_PORT/" ;;
  esac
}

check_name() { [[ " ${SERVICES[*]} " == *" $1 "* ]] || fail "no service $1; there are: ${SERVICES[*]}"; }

# aws_call TARGET JSON: one SQS call.
aws_call() {
  curl -sf -m 10 -X POST "http://$NODE_IP:$AWS_PORT/" -H "X-Amz-Target: AmazonSQS.$1" -H 'Content-Type: application/x-amz-json-1.0' \
    -H "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/$AWS_REGION/sqs/aws4_request, SignedHeaders=host, Signature=0" -d "$2"
}
