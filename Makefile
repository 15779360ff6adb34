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
LAB_HOST   := ./lab/vm ./internal/cli

.DEFAULT_GOAL := help
.PHONY: help run build hapscope-bcc test test-unit test-browser test-lab lab-ready selftest deps test-deps lint generated bench fuzz clean

help:           ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: deps build ## install, build, measure SCENARIO (quick) and write the report
	./hapscope run $(SCENARIO)

hapscope-bcc: test-deps ## a second binary with the witness bcc, which needs libbpfcc; hapscope selftest finds it
	CGO_ENABLED=1 $(GO) build -tags bcc -buildvcs=auto -o hapscope-bcc .

build:          ## the static binary ./hapscope
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=auto -o hapscope .

test: test-deps ## install and run all tests
	@mkdir -p build && : >build/parts
	@$(MAKE) -s all-parts; code=$$?; \
	  awk '{ name = ($$3 ? "" : "  ") $$1; s = $$2; $$1 = $$2 = ""; printf "%-26s %4d s%s\n", name, s, $$0 }' build/parts; \
	  [ $$code = 0 ] && echo "all tests passed" || echo "FAILED"; exit $$code

# The parts of `make test` that need VMs. LANES run at a time, the longest first: one
# alone leaves a third of two CPUs idle, because much of what tests do, such as patching
# all functions of a kernel, is one CPU's. Those VMs have one CPU each, because on a
# busy host an emulated guest with several can panic (docs/lab.md). The collectors
# are tested on two CPUs, and a guest in the guest needs both: these parts run alone.
# What needs no VM runs while the lab is built, and has to pass before any boots; but
# for `generated`, which writes files that the others read.
LANES ?= 2
LAB_PARTS := lab-inside lab-bcc lab-agreement lab-measure lab-faults lab-bookworm lab-others
$(LAB_PARTS:%=part-%): export HAPSCOPE_CPUS = $(if $(filter 1,$(LANES)),,1)

.PHONY: all-parts host-parts lab-parts lab-collectors lab-kata $(LAB_PARTS)
all-parts:
	@$(MAKE) -j2 host-parts part-lab-ready
	@$(MAKE) -k lab-parts part-generated

lab-parts:
	@$(MAKE) -k part-lab-collectors part-lab-kata; code=$$?; $(MAKE) -k -j$(LANES) $(LAB_PARTS:%=part-%) && exit $$code

host-parts:
	@.ci/part lint $(MAKE) lint
	@.ci/part unit $(MAKE) test-unit
	@.ci/part browser $(MAKE) test-browser

part-%:
	@.ci/part $* $(MAKE) $*

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
	$(GO) test -vet=off ./...

test-browser: test-deps ## the HTML report in a real browser
	$(GO) test -vet=off -count=1 -tags browser ./reports/html/...

test-lab:       ## tests on real kernels, runtimes and servers in the lab VM
	@mkdir -p build && : >build/parts
	@.ci/part lab-ready $(MAKE) lab-ready
	@$(MAKE) lab-parts

# All that the lab's parts need.
lab-ready: test-deps build hapscope-bcc
	./hapscope lab build --tracers --kata
	./hapscope lab build --lab-kernel bookworm
	rm -rf build/inside build/outside && mkdir -p build/inside build/outside
	CGO_ENABLED=0 $(GO) test -vet=off -c -tags lab -o build/inside/ $(LAB_INSIDE)
	CGO_ENABLED=0 $(GO) test -vet=off -c -tags lab -o build/outside/ $(LAB_HOST)

lab-collectors:
	$(call inside,trixie --kata,$(filter ./collectors/%,$(LAB_INSIDE)),,6.12.)
lab-inside:
	$(call inside,trixie --kata,$(filter-out ./collectors/%,$(LAB_INSIDE)),,6.12.)
lab-bookworm:
	$(call inside,bookworm,$(filter ./collectors/%,$(LAB_INSIDE)),-test.run="Witness|Exactly",6.1.)

# The tests that boot VMs; those with a part of their own take minutes.
lab-measure lab-bcc lab-kata lab-agreement lab-faults: export HAPSCOPE = $(CURDIR)/hapscope
lab-others: export HAPSCOPE = $(CURDIR)/hapscope
lab-measure:
	$(call outside,./internal/cli,-test.run=TestMeasureAndReport)
lab-bcc:
	$(call outside,./internal/cli,-test.run=TestSelfTestOfBCC)
lab-kata:
	$(call outside,./internal/cli,-test.run=TestKata)
lab-agreement:
	$(call outside,./internal/cli,-test.run=TestSelfTestOfAgreement)
lab-faults:
	$(call outside,./internal/cli,-test.run=TestFaultsOnTheHost)
lab-others:
	$(call outside,./internal/cli,-test.skip="TestMeasureAndReport|TestSelfTest|TestFaultsOnTheHost|TestKata")
	$(call outside,./lab/vm,)

selftest: build hapscope-bcc ## all that the instruments can be asked; a quarter of an hour in an emulated lab
	./hapscope selftest

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
# $(1), whose release begins with $(4); $(3) are flags for the tests. A VM for each, as `go test -exec` would have
# it, spends a minute on booting.
define inside
./hapscope lab exec --lab-kernel $(1) --share build/inside -- sh -c 'failed=; \
  case $$(uname -r) in $(4)*) ;; *) echo "Linux $$(uname -r) runs, not $(4)"; exit 1;; esac; \
  for p in $(2); do echo "== $$p, $$(uname -r)"; start=$$(date +%s); \
    (cd $$p && "$(CURDIR)/build/inside/$${p##*/}.test" -test.v -test.timeout 20m $(3)) || failed="$$failed $$p"; \
    echo "== $$p: $$(($$(date +%s) - start)) s"; done; \
  [ -z "$$failed" ] || { echo "FAILED:$$failed"; exit 1; }'
endef

# Runs the compiled lab tests of package $(1) on this machine, with the flags $(2).
define outside
cd $(1) && "$(CURDIR)/build/outside/$(notdir $(1)).test" -test.v -test.timeout 20m $(2)
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
