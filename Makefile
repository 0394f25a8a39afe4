# One line each: the work is in cargo, tests/cluster and tests/run.
.PHONY: demo demo-down test check images models cluster-up cluster-down cluster-env documents generated bench-operator bench-ocr

demo:         ; tests/cluster/demo up
demo-down:    ; tests/cluster/demo down
test:         ; tests/run all
check:        ; tests/run check
images:       ; tests/cluster/images/build
cluster-up:   ; tests/cluster/cluster up
cluster-down: ; tests/cluster/cluster down
cluster-env:  ; @tests/cluster/cluster env
models:       ; extractor/models/build
documents:    ; python3 tests/documents/generate.py
generated:    ; tests/run generated --write
bench-operator: ; tests/bench-operator
bench-ocr:      ; tests/bench-ocr
