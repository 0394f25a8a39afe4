module extraction.dev/tests/cluster/tools

go 1.25.0
