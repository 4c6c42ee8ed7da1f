# Cairn: `make help` lists the targets. CMake does the work; this file installs what it needs and names the usual calls.

BUILD ?= build
JOBS ?= $(shell nproc)
CMAKE_FLAGS ?=

.PHONY: all help run test unit check format tidy bench asan tsan fuzz crash-test clean deps deps-test

all: deps $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS) --target cairn-server cairn-backup cairn-check cairn-log cairn-restore cairn-bench resp_echo

help:
	@echo 'make         build Release into $(BUILD)/bin'
	@echo 'make run     build, and serve 127.0.0.1:6379 with conf/cairn.conf and the data in ./data'
	@echo 'make test    build everything and run all tests'
	@echo 'make unit    the tests in tests/ only (no server processes)'
	@echo 'make check   formatting and static analysis (clang-format, clang-tidy)'
	@echo 'make format  format all C++ files in place'
	@echo 'make bench   compare with redis-server side by side (takes some minutes)'
	@echo 'make asan    unit tests under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make tsan    unit tests under ThreadSanitizer'
	@echo 'make fuzz    parsers and files under libFuzzer, SECONDS=600 each, or only TARGETS="log glob"'
	@echo 'make crash-test IMAGES=100000 SEED=1  power cuts: so many disks are built and checked'
	@echo 'make clean   remove the build folders'

deps:
	@deps/install deps/build.txt

deps-test:
	@deps/install deps/build.txt deps/test.txt

$(BUILD)/build.ninja: CMakeLists.txt
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAIRN_TESTS=OFF $(CMAKE_FLAGS)

run: all
	@exec $(BUILD)/bin/cairn-server conf/cairn.conf

test: deps-test
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAIRN_TESTS=ON $(CMAKE_FLAGS)
	@cmake --build $(BUILD) -j $(JOBS)
	@cd $(BUILD) && ctest --output-on-failure --timeout 300

unit: deps-test
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAIRN_TESTS=ON $(CMAKE_FLAGS)
	@cmake --build $(BUILD) -j $(JOBS)
	@cd $(BUILD) && ctest --output-on-failure -L unit

IMAGES ?= 2000
SEED ?= 1

crash-test: deps-test
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAIRN_TESTS=ON $(CMAKE_FLAGS)
	@cmake --build $(BUILD) -j $(JOBS) --target cairn-server cairn_recorder crash_images
	@$(BUILD)/bin/crash_images --server $(BUILD)/bin/cairn-server --recorder $(BUILD)/bin/libcairn_recorder.so \
	  --images $(IMAGES) --seed $(SEED) --processes $(JOBS)

asan:
	@$(MAKE) --no-print-directory unit BUILD=build-asan CMAKE_FLAGS='-DCAIRN_SANITIZE=address,undefined'

tsan:
	@$(MAKE) --no-print-directory unit BUILD=build-tsan CMAKE_FLAGS='-DCAIRN_SANITIZE=thread'

fuzz: deps-test
	@tests/fuzz/run build-fuzz $(or $(SECONDS),600) $(TARGETS)

format:
	@git ls-files -co --exclude-standard '*.h' '*.cc' | xargs clang-format-14 -i

check: deps-test
	@git ls-files -co --exclude-standard '*.h' '*.cc' | xargs clang-format-14 --dry-run --Werror
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAIRN_TESTS=ON $(CMAKE_FLAGS) >/dev/null
	@git ls-files 'src/*.cc' 'utils/*.cc' | xargs -P $(JOBS) -n 1 clang-tidy-14 --quiet -p $(BUILD)

tidy: check

bench: deps-test all
	@$(BUILD)/bin/cairn-bench $(BENCH_FLAGS)

clean:
	@rm -rf $(BUILD) build-asan build-tsan build-fuzz
