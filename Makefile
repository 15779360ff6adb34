# hapscope: `make run` measures and reports, `make test` tests. Both install
# what they need (Debian, root). `make help` lists the rest.

GO      ?= go
SCENARIO ?= quick
# Packages of the host: mmdebstrap makes the lab's images; the report is tested
RUN_PACKAGES  := mmdebstrap debian-archive-keyring git
# in a browser, the witness bcc is linked with libbpfcc, and the BPF programs are
# compiled anew to see that the committed objects are theirs.
# Docker's daemon is started by the tests that time through it; its CLI looks after it. So is
# Podman (with what makes its network), and a systemd that has Docker's cgroups.
TEST_PACKAGES := $(RUN_PACKAGES) chromium gcc libc6-dev libbpfcc-dev libbpf-dev docker.io podman netavark iptables systemd

# Tests with this tag need the lab: some run on the host and boot it, the
# others run inside, as root of a kernel that can be traced.
LAB_INSIDE := $(shell grep -rlx --include='*_test.go' '//go:build lab' internal/kernel collectors runtimes workloads | xargs -n1 dirname | sort -u | grep -v internal/bench | sed 's|^|./|')
LAB_HOST   := ./lab/vm ./internal/cli
COLLECTORS := $(filter ./collectors/%,$(LAB_INSIDE))
NESTED     := ./runtimes/shim ./runtimes/containerd
CONTAINERS := $(filter-out $(COLLECTORS) $(NESTED),$(LAB_INSIDE))
# Their commands are executed by a test.
RECIPES    := $(wildcard docs/recipes/*.md)
# What boots the lab and runs commands in it.
LAB_SOURCES := ./lab/... $(wildcard internal/cli/lab*.go)

.DEFAULT_GOAL := help
.PHONY: help run build hapscope-bcc test test-unit race vuln test-browser test-lab lab-ready selftest soak deps test-deps lint generated bench fuzz clean

help:           ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

run: deps build ## install, build, measure SCENARIO (quick) and write the report
	./hapscope run $(SCENARIO)

hapscope-bcc: test-deps ## a second binary with the witness bcc, which needs libbpfcc; hapscope selftest finds it
	CGO_ENABLED=1 $(GO) build -tags bcc -buildvcs=auto -o hapscope-bcc .

build:          ## the static binary ./hapscope
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=auto -o hapscope .

test: test-deps ## install and run all tests; parts whose inputs did not change since they passed are not run, unless FRESH=1
	@mkdir -p build && : >build/parts && : >build/failures
	@$(MAKE) -s all-parts; code=$$?; \
	  awk '{ name = ($$3 ? "" : "  ") $$1; s = $$2; $$1 = $$2 = ""; printf "%-26s %4d s%s\n", name, s, $$0 }' build/parts; \
	  cat build/failures; \
	  [ $$code = 0 ] && echo "all tests passed" || echo "FAILED"; exit $$code

# The parts of `make test` that need VMs. LANES run at a time, the longest first: one
# alone leaves a third of two CPUs idle, because much of what tests do, such as patching
# all functions of a kernel, is one CPU's. Those VMs have one CPU each, because on a
# busy host an emulated guest with several can panic (docs/lab.md). The collectors
# are tested on two CPUs, and a guest in the guest needs both: these parts run alone.
# What needs no VM runs while the lab is built, and has to pass before any boots; but
# for `generated`, which writes files that the others read.
LANES ?= 2
LAB_PARTS := lab-docker lab-faults lab-inside lab-bcc lab-agreement lab-measure lab-bookworm lab-others
$(LAB_PARTS:%=part-%): export HAPSCOPE_CPUS = $(if $(filter 1,$(LANES)),,1)

# What the outcome of each depends on, see .ci/key.
binaries = $(foreach p,$(1),build/inside/$(notdir $(p)).test)
part-lab-collectors: export INPUTS = $(LAB_SOURCES) $(call binaries,$(COLLECTORS))
part-lab-bookworm: export INPUTS = $(LAB_SOURCES) $(call binaries,$(COLLECTORS))
part-lab-inside: export INPUTS = $(LAB_SOURCES) $(call binaries,$(CONTAINERS))
part-lab-nested: export INPUTS = $(LAB_SOURCES) $(call binaries,$(NESTED))
part-lab-kata part-lab-measure part-lab-agreement part-lab-faults part-lab-survive: export INPUTS = ./. build/outside/cli.test
part-lab-docker: export INPUTS = ./. build/outside/cli.test $(RECIPES)
part-lab-others: export INPUTS = ./. build/outside/cli.test build/outside/vm.test $(RECIPES)
part-lab-bcc: export INPUTS = ./. build/outside/cli.test
part-lab-bcc part-lab-agreement: export TAGS = bcc

.PHONY: all-parts host-parts lab-parts lab-collectors lab-nested lab-kata $(LAB_PARTS)
all-parts:
	@$(MAKE) -j2 host-parts part-lab-ready
	@$(MAKE) -k lab-parts part-generated

lab-parts:
	@$(MAKE) -k part-lab-collectors part-lab-nested part-lab-kata; code=$$?; $(MAKE) -k -j$(LANES) $(LAB_PARTS:%=part-%) && exit $$code

host-parts:
	@.ci/part lint $(MAKE) lint
	@.ci/part unit $(MAKE) test-unit
	@.ci/part race $(MAKE) race
	@.ci/part browser $(MAKE) test-browser
	@.ci/part vuln $(MAKE) vuln

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

# The packages in which goroutines meet, or processes do: a run's locks and its writer,
# the lab's cache and its machine, the load, the stand-ins of shims. Those of collectors
# that read kernels have nothing to share here, and reports run on one thread.
RACES := ./driver ./internal/command ./collectors/exercise ./collectors/internal/... ./lab/... ./workloads/... \
  ./runtimes/containerd ./runtimes/process

race: test-deps ## the tests of what runs at once, under Go's race detector
	CGO_ENABLED=1 $(GO) test -vet=off -race $(RACES)
	CGO_ENABLED=1 $(GO) test -vet=off -race -run 'TestTwoWriters|TestMany|TestOnlyPlain' ./record

vuln:           ## known vulnerabilities in what hapscope calls, where their database can be had
	@.ci/vulnerabilities

test-browser: test-deps ## the HTML report in a real browser
	$(GO) test -vet=off -count=1 -tags browser ./reports/html/...

test-lab:       ## tests on real kernels, runtimes and servers in the lab VM
	@mkdir -p build && : >build/parts && : >build/failures
	@.ci/part lab-ready $(MAKE) lab-ready
	@$(MAKE) lab-parts

# All that the lab's parts need.
lab-ready: test-deps build hapscope-bcc
	./hapscope lab build --tracers --kata --docker
	./hapscope lab build --lab-kernel bookworm
	rm -rf build/inside build/outside && mkdir -p build/inside build/outside
	CGO_ENABLED=0 $(GO) test -vet=off -trimpath -c -tags lab -o build/inside/ $(LAB_INSIDE)
	CGO_ENABLED=0 $(GO) test -vet=off -trimpath -c -tags lab -o build/outside/ $(LAB_HOST)

lab-collectors:
	$(call inside,trixie --kata,$(COLLECTORS),,6.12.)
lab-inside:
	$(call inside,trixie --kata,$(CONTAINERS),,6.12.)
lab-nested:
	$(call inside,trixie --kata,$(NESTED),,6.12.)
lab-bookworm:
	$(call inside,bookworm,$(COLLECTORS),-test.run="Witness|Exactly",6.1.)

# The tests that boot VMs; those with a part of their own take minutes.
lab-measure lab-bcc lab-kata lab-docker lab-agreement lab-faults lab-survive: export HAPSCOPE = $(CURDIR)/hapscope
lab-others: export HAPSCOPE = $(CURDIR)/hapscope
lab-measure:
	$(call outside,./internal/cli,-test.run=TestMeasureAndReport)
lab-bcc:
	$(call outside,./internal/cli,-test.run=TestSelfTestOfBCC)
lab-kata:
	$(call outside,./internal/cli,-test.run=TestKata)
lab-docker:
	$(call outside,./internal/cli,-test.run="TestDocker|TestPodman")
lab-agreement:
	$(call outside,./internal/cli,-test.run=TestSelfTestOfAgreement)
lab-faults:
	$(call outside,./internal/cli,-test.run=TestFaultsOnTheHost)
lab-survive:
	$(call outside,./internal/cli,-test.run=TestSurviveInLab)
lab-others:
	$(call outside,./internal/cli,-test.skip="TestMeasureAndReport|TestSelfTest|TestFaultsOnTheHost|TestKata|TestDocker|TestPodman|TestSurviveInLab")
	$(call outside,./lab/vm,)

selftest: build hapscope-bcc ## all that the instruments can be asked; a quarter of an hour in an emulated lab
	./hapscope selftest

# SEED and ROUND play one round of one place again: make soak PLACES=InLab:20 SEED=7 ROUND=12
SEED   := $(or $(SEED),$(shell date +%s))
PLACES ?= Natively:30 InLab:20 Outside:10
soak: test-deps build ## 60 runs, something killed at a random moment in each; an hour; the table is build/soak.md (docs/reliability.md)
	./hapscope lab build
	mkdir -p build/outside
	CGO_ENABLED=0 $(GO) test -vet=off -trimpath -c -tags lab -o build/outside/ ./internal/cli
	@{ echo "Seed $(SEED), $$(date -u +%F), $$(nproc) CPUs, Linux $$(uname -r)."; echo; \
	  echo "| where | killed | rounds | it was there | after, s | repetitions finished by then | resumed | result |"; \
	  echo "|---|---|---|---|---|---|---|---|"; } >build/soak.md
	@cd internal/cli && failed=; for place in $(PLACES); do \
	  HAPSCOPE=$(CURDIR)/hapscope HAPSCOPE_TABLE=$(CURDIR)/build/soak.md HAPSCOPE_SEED=$(SEED) HAPSCOPE_ROUNDS=$${place#*:} HAPSCOPE_ROUND=$(ROUND) \
	    $(CURDIR)/build/outside/cli.test -test.v -test.timeout 6h -test.run="^TestSurvive$${place%:*}\$$" || failed="$$failed $$place"; \
	  done; cat $(CURDIR)/build/soak.md; [ -z "$$failed" ] || { echo "FAILED:$$failed"; exit 1; }

deps:           ## install what measuring needs
	@$(call install,$(RUN_PACKAGES))

test-deps:      ## install what testing needs
	@$(call install,$(TEST_PACKAGES))

bench: test-deps build ## what counting costs: the decoder here, the witnesses beside other tracers in the lab
	$(GO) test -run '^$$' -bench . -benchmem ./...
	./hapscope lab build --tracers
	mkdir -p build/inside && CGO_ENABLED=0 $(GO) test -c -tags lab -o build/inside/ ./collectors/internal/bench
	./hapscope lab exec --tracers --share build/inside -- $(CURDIR)/build/inside/bench.test -test.v -test.timeout 30m | tee build/bench.txt

# To make an interesting input smaller takes a minute each where it is JSON, by default, in
# which nothing new is tried.
fuzz:           ## each fuzz target, wherever there is one, for FUZZTIME (30s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | { failed=; while read pkg; do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do echo "== $$pkg $$f"; \
	    $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-30s} -fuzzminimizetime 100x $$pkg || failed="$$failed $$pkg:$$f"; done; done; \
	  [ -z "$$failed" ] || { echo "crashers:$$failed"; exit 1; }; }

clean:          ## remove what was built here; the cache is `hapscope lab clean --all`
	rm -rf hapscope hapscope-bcc build

# Runs the compiled lab tests of packages $(2) in one VM with the kernel of suite
# $(1), whose release begins with $(4); $(3) are flags for the tests. A VM for each, as `go test -exec` would have
# it, spends a minute on booting. timeout(1) is for a test that hangs where Go's own timer
# does not come to its turn, as within vfork(2) on one CPU.
define inside
./hapscope lab exec --lab-kernel $(1) --share build/inside -- sh -c 'failed=; \
  case $$(uname -r) in $(4)*) ;; *) echo "Linux $$(uname -r) runs, not $(4)"; exit 1;; esac; \
  for p in $(2); do echo "== $$p, $$(uname -r)"; start=$$(date +%s); \
    (cd $$p && timeout -k 10 21m "$(CURDIR)/build/inside/$${p##*/}.test" -test.v -test.timeout 20m $(3)) || failed="$$failed $$p"; \
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
