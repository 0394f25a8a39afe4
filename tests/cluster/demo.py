"""The visible half of the demo: applies the sample, submits documents through the Ingress, shows what was found.

Needs kubectl on the PATH, KUBECONFIG, and what the sample asks for. Python's own library only.
"""
import argparse
import base64
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time
import uuid

OVER = {"succeeded", "needs_review", "failed", "cancelled", "dead_lettered"}
SHOWN = ["vendor_name", "invoice_receipt_id", "invoice_receipt_date", "due_date", "currency", "subtotal", "tax", "total"]
# Elapsed time counts from the start of the script that called this one.
BEGUN = float(os.environ.get("EXTRACTION_STARTED", time.time()))
RIGHT, WRONG = "\u2714", "\u2718"


def say(text):
    print(f"[{time.time() - BEGUN:6.1f}s] {text}", flush=True)


def kubectl(*arguments, data=None):
    command = ["kubectl", *arguments]
    done = subprocess.run(command, input=data, capture_output=True, text=True, timeout=180)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Api:
    """The pipeline's HTTP API as seen from outside the cluster."""

    def __init__(self, address, host, key):
        self.address, self.host, self.key = address, host, key

    def request(self, method, path, body=None, headers=()):
        connection = http.client.HTTPConnection(self.address, 80, timeout=30)
        headers = {"Host": self.host, "Authorization": f"Bearer {self.key}", **dict(headers)}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path):
        status, body = self.request("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status}: {body[:300]!r}")
        return json.loads(body)

    def submit(self, path, document_type):
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="document_type"\r\n\r\n{document_type}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        content = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": str(uuid.uuid4())}
        status, answer = self.request("POST", "/api/v1/documents", body, content)
        if status != 202:
            raise RuntimeError(f"{path.name}: {status}: {answer[:300]!r}")
        return json.loads(answer)["job_id"]


def conditions(arguments):
    pipeline = json.loads(kubectl("-n", arguments.namespace, "get", "xp", arguments.pipeline, "-o", "json"))
    generation = pipeline["metadata"]["generation"]
    return [
        condition
        for condition in pipeline.get("status", {}).get("conditions", [])
        if condition.get("observedGeneration", generation) == generation
    ]


def wait_until_ready(arguments, limit=180):
    begun, told = time.time(), None
    while time.time() - begun < limit:
        ready = next((found for found in conditions(arguments) if found["type"] == "Ready"), {})
        if ready.get("status") == "True":
            return time.time() - begun
        words = f"{ready.get('reason', 'Waiting')}: {ready.get('message', 'the operator has not answered yet')}"
        if words != told:
            say(f"not ready yet: {words}")
            told = words
        time.sleep(0.5)
    sys.exit(f"{arguments.pipeline} is not ready after {limit} s: {told}; kubectl -n {arguments.namespace} describe xp")


def admin_key(arguments):
    secret = f"{arguments.pipeline}-admin-key"
    text = kubectl("-n", arguments.namespace, "get", "secret", secret, "-o", "jsonpath={.data.api-key}")
    return base64.b64decode(text).decode().strip()


def wait_for_ingress(api, limit=60):
    begun = time.time()
    while True:
        try:
            status, body = api.request("GET", "/health/ready")
            if status == 200:
                return
            why = f"{status}: {body[:200]!r}"
        except OSError as error:
            why = str(error)
        if time.time() - begun > limit:
            sys.exit(f"the Ingress does not answer for {api.host}: {why}")
        time.sleep(0.5)


def wait_for_autoscalers(arguments, limit=75):
    """An autoscaler reads its first measure some time after the pods' first minute; it is waited for only to be shown."""
    begun = time.time()
    say("waiting for the first readings of the autoscalers")
    while "<unknown>" in kubectl("-n", arguments.namespace, "get", "hpa", "--no-headers") and time.time() - begun < limit:
        time.sleep(1)


def submit_all(api, folder):
    jobs = {}
    for expected in sorted(folder.glob("*/*.expected.json")):
        stem = expected.name.removesuffix(".expected.json")
        document = next(path for path in expected.parent.glob(stem + ".*") if path != expected)
        wanted = json.loads(expected.read_text(encoding="utf-8"))
        jobs[api.submit(document, wanted["document_type"])] = (document, wanted)
    return jobs


def wait_for_jobs(api, jobs, limit=600):
    """Gives each job's JSON; tells how many have ended as they do."""
    ended, begun, told = {}, time.time(), 0
    while len(ended) < len(jobs):
        for job in jobs.keys() - ended.keys():
            found = api.get(f"/api/v1/jobs/{job}")
            if found["state"] in OVER:
                ended[job] = found
        if len(ended) != told:
            told = len(ended)
            say(f"{told} of {len(jobs)} documents extracted")
        if time.time() - begun > limit:
            sys.exit(f"{len(jobs) - told} documents are not extracted after {limit} s")
        time.sleep(0.3)
    return ended


def same(name, found, wanted):
    if name == "vendor_name" and found is not None:
        return " ".join(found.split()).casefold() == " ".join(wanted.split()).casefold()
    return found == wanted


def row(name, value, expected, fits):
    """One field: what was found, what is printed on the document, and whether they are the same."""
    return f"  {name:<21} {value or 'nothing':<34} {expected:<34} {RIGHT if fits else WRONG}"


def show(api, jobs, ended):
    """Prints found beside expected; gives the numbers of right and of all fields."""
    right = total = 0
    print(f"\n  {'field':<21} {'found':<34} {'expected':<34}")
    for job, (document, wanted) in jobs.items():
        state = ended[job]["state"]
        print(f"\n{document.parent.name}/{document.name}  {state} {ended[job].get('reason') or ''}")
        found = {}
        if state in ("succeeded", "needs_review"):
            result = api.get(f"/api/v1/jobs/{job}/result")
            found = {name: field["value"] for name, field in result["fields"].items()}
            rows = len(result["line_items"])
        else:
            rows = 0
        for name in SHOWN:
            expected = wanted["fields"].get(name)
            if expected is None:
                continue
            value = found.get(name)
            fits = same(name, value, expected)
            right, total = right + fits, total + 1
            print(row(name, value, expected, fits))
        items = len(wanted["line_items"])
        right, total = right + (rows == items), total + 1
        print(row("line items", str(rows), str(items), rows == items))
    return right, total


def figure(name, value, unit, target=None, better="less", note=None):
    met = None if target is None else (value <= target if better == "less" else value >= target)
    return {"name": name, "value": round(value, 3), "unit": unit, "target": target, "met": met, "peer": None, "note": note}


def write_figures(path, figures):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in figures), encoding="utf-8")
    print(f"\n{'figure':<44} {'value':>10} {'unit':<8} {'target':>8}  met")
    for line in figures:
        target, met = line["target"], {True: "yes", False: "no", None: ""}[line["met"]]
        print(f"{line['name']:<44} {line['value']:>10} {line['unit']:<8} {'' if target is None else target:>8}  {met}")


def where_to_look(arguments):
    namespace, name = arguments.namespace, arguments.pipeline
    print(f"""
Where to look next
  eval "$(make -s cluster-env)"                      # kubectl and helm for this cluster
  kubectl -n {namespace} get xp,pods,hpa,ingress
  kubectl -n {namespace} describe xp {name}
  kubectl explain xp.spec
  kubectl -n {namespace} logs deployment/{name}-worker
  key=$(kubectl -n {namespace} get secret {name}-admin-key -o jsonpath='{{.data.api-key}}' | base64 -d)
  curl -H "Authorization: Bearer $key" --resolve {arguments.host}:80:{arguments.address} http://{arguments.host}/api/v1/jobs
  curl -H "Authorization: Bearer $key" --resolve {arguments.host}:80:{arguments.address} \\
    -F document_type=Invoice -F file=@tests/documents/invoice/german-text.pdf http://{arguments.host}/api/v1/documents
  curl --resolve aws:4566:$EXTRACTION_TEST_NODE_IP -H 'content-type: application/pdf' -T FILE.pdf 'LINK'   # for links of POST /api/v1/uploads
  http://{arguments.host}/docs   (with `{arguments.address} {arguments.host}` in /etc/hosts)
  make demo-down                                     # removes everything""")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("namespace", "pipeline", "host", "address"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("sample", "documents", "figures"):
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path)
    parser.add_argument("--images", nargs="*", type=pathlib.Path, default=[])
    return parser.parse_args()


def main():
    arguments = parse()
    say(f"kubectl apply -f {arguments.sample}")
    kubectl("-n", arguments.namespace, "apply", "-f", str(arguments.sample))
    ready_seconds = wait_until_ready(arguments)
    say(f"{arguments.pipeline} is Ready {ready_seconds:.1f} s after it was applied")
    api = Api(arguments.address, arguments.host, admin_key(arguments))
    wait_for_ingress(api)
    begun = time.time()
    jobs = submit_all(api, arguments.documents)
    submitted_seconds = time.time() - begun
    say(f"{len(jobs)} documents submitted to http://{arguments.host}/api/v1/documents")
    ended = wait_for_jobs(api, jobs)
    extracted_seconds = time.time() - begun
    right, total = show(api, jobs, ended)
    table_seconds = time.time() - BEGUN
    print(f"\n{right} of {total} fields are as expected\n")
    wait_for_autoscalers(arguments)
    print(kubectl("-n", arguments.namespace, "get", "xp,pods,hpa,ingress"))
    for found in conditions(arguments):
        print(f"{found['type']:<18} {found['status']:<8} {found['reason']:<24} {found['message']}")
    figures = [
        figure("sample applied until Ready", ready_seconds, "s"),
        figure("documents submitted", len(jobs), "count", 12, "more"),
        figure("time of one submission", submitted_seconds / len(jobs) * 1000, "ms"),
        figure("documents extracted", len(jobs) / extracted_seconds, "per s"),
        figure("fields as expected", 100 * right / total, "%", note=f"{right} of {total}"),
        figure("demo, from start to table", table_seconds, "s", note="2100 s cold, 180 s warm allowed"),
    ]
    for image in arguments.images:
        limit = 40 if "operator" in image.name else 200
        figures.append(figure(f"image {image.name.rsplit('-', 1)[0]}", image.stat().st_size / 1e6, "MB", limit))
    write_figures(arguments.figures, figures)
    where_to_look(arguments)
    lost = [job for job, found in ended.items() if found["state"] not in ("succeeded", "needs_review")]
    return f"{len(lost)} documents were not extracted" if lost else None


if __name__ == "__main__":
    sys.exit(main())
