# hapscope: `make run` measures and reports, `make test` tests. Both install
# what they need (Debian, root). `make help` lists the rest.

GO      ?= go
SCENARIO ?= quick
# Packages of the host: mmdebstrap makes the lab's images; the report is tested
RUN_PACKAGES  := mmdebstrap debian-archive-keyring git
# in a browser, the witness bcc is linked with libbpfcc, and the BPF programs are
# compiled anew to see that the committed objects are theirs.
TEST_PACKAGES := $(RUN_PACKAGES) chromium gcc libc6-dev libbpfcc-dev libbpf-dev

# Tests with this tag need the lab: some run on the host and boot it, the
# others run inside, as root of a kernel that can be traced.
LAB_INSIDE := $(shell grep -rlx --include='*_test.go' '//go:build lab' internal/kernel collectors runtimes workloads | xargs -n1 dirname | sort -u | grep -v internal/bench | sed 's|^|./|')
LAB_HOST   := ./lab/... ./internal/cli/...

.DEFAULT_GOAL := help
.PHONY: help run build hapscope-bcc test test-unit test-browser test-lab deps test-deps lint generated bench fuzz clean

help:           ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: deps build ## install, build, measure SCENARIO (quick) and write the report
	./hapscope run $(SCENARIO)

hapscope-bcc: test-deps ## a second binary with the witness bcc, which needs libbpfcc; hapscope selftest finds it
	CGO_ENABLED=1 $(GO) build -tags bcc -buildvcs=auto -o hapscope-bcc .

build:          ## the static binary ./hapscope
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=auto -o hapscope .

test: test-deps lint generated test-unit test-browser test-lab ## install and run all tests
	@echo "all tests passed"

lint: test-deps ## gofmt and go vet, with every build tag
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags lab,browser,bcc ./...

# The objects depend on the compiler, so that only the one that made them can tell.
generated: test-deps ## the committed BPF objects are those of their source
	@if ! apt-cache show clang-14 >/dev/null 2>&1; then \
	  echo "skipped: the BPF objects are not compared with their source: this Debian has no clang-14, which made them"; exit 0; fi; \
	$(call install,clang-14 llvm-14); \
	for d in collectors/ebpf collectors/vhost; do \
	  rm -rf build/_generated && mkdir -p build/_generated && cp $$d/*_x86_bpfel.* build/_generated/ && $(GO) generate ./$$d || exit 1; \
	  for f in build/_generated/*; do cmp $$f $$d/$$(basename $$f) || { echo "commit what go generate ./$$d makes"; exit 1; }; done; \
	done

test-unit:      ## tests that need nothing but this machine
	$(GO) test ./...

test-browser: test-deps ## the HTML report in a real browser
	$(GO) test -count=1 -tags browser ./reports/html/...

test-lab: test-deps build hapscope-bcc ## tests on real kernels, runtimes and servers in the lab VM
	./hapscope lab build --tracers --kata
	./hapscope lab build --lab-kernel bookworm
	rm -rf build/inside && mkdir -p build/inside
	CGO_ENABLED=0 $(GO) test -c -tags lab -o build/inside/ $(LAB_INSIDE)
	$(call inside,trixie --kata,$(LAB_INSIDE),)
	$(call inside,bookworm,$(filter ./collectors/%,$(LAB_INSIDE)),-test.run="Witness|Exactly")
	HAPSCOPE=$(CURDIR)/hapscope $(GO) test -count=1 -p 1 -timeout 40m -tags lab -v $(LAB_HOST)

deps:           ## install what measuring needs
	@$(call install,$(RUN_PACKAGES))

test-deps:      ## install what testing needs
	@$(call install,$(TEST_PACKAGES))

bench: test-deps build ## what counting costs: the decoder here, the witnesses beside other tracers in the lab
	$(GO) test -run '^$$' -bench . -benchmem ./...
	./hapscope lab build --tracers
	mkdir -p build/inside && CGO_ENABLED=0 $(GO) test -c -tags lab -o build/inside/ ./collectors/internal/bench
	./hapscope lab exec --tracers --share build/inside -- $(CURDIR)/build/inside/bench.test -test.v -test.timeout 30m | tee build/bench.txt

fuzz:           ## each fuzz target for FUZZTIME (30s)
	@$(GO) list -f '{{$$p := .ImportPath}}{{range .TestGoFiles}}{{$$p}} {{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$$p}} {{.}}{{"\n"}}{{end}}' ./... | cut -d' ' -f1 | sort -u | while read pkg; do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do echo "$$pkg $$f"; \
	    $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-30s} $$pkg || exit 1; done; done

clean:          ## remove what was built here; the cache is `hapscope lab clean --all`
	rm -rf hapscope hapscope-bcc build

# Runs the compiled lab tests of packages $(2) in one VM with the kernel of suite
# $(1); $(3) are flags for the tests. A VM for each, as `go test -exec` would have
# it, spends a minute on booting.
define inside
./hapscope lab exec --lab-kernel $(1) --share build/inside -- sh -c 'failed=; \
  for p in $(2); do echo "== $$p, $$(uname -r)"; start=$$(date +%s); \
    (cd $$p && "$(CURDIR)/build/inside/$${p##*/}.test" -test.v -test.timeout 20m $(3)) || failed="$$failed $$p"; \
    echo "== $$p: $$(($$(date +%s) - start)) s"; done; \
  [ -z "$$failed" ] || { echo "FAILED:$$failed"; exit 1; }'
endef

# Installs the Debian packages that are missing, or says which they are.
define install
missing=$$(for p in $(1); do dpkg-query -W -f '$${Status}\n' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then \
  if [ $$(id -u) != 0 ]; then echo "missing Debian packages: $$missing; run: apt-get install" $$missing; exit 1; fi; \
  echo "installing:" $$missing; \
  apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing >/dev/null; \
fi
endef
