# SPDX-License-Identifier: Apache-2.0
# Two commands are enough: `make run` and `make test`. Both set up what they need the first time.
.DEFAULT_GOAL := help
# Which tests each of the three runs: tests/support/tiers.py.
.PHONY: help run test test-slow check bench fuzz peers console wheel client docs lock versions setup setup-dev clean
.PHONY: packages packages-dev packages-test check-python check-console
PY := .venv/bin/python
WORKERS := 2
# Two things beside each other, whatever `make` was called with: each keeps one core busy.
BOTH := $(MAKE) --no-print-directory -j2

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:
	@$(BOTH) packages console

setup-dev:
	@$(BOTH) packages-dev console

packages packages-dev:
	@scripts/setup.sh $@

packages-test: packages-dev
	@scripts/test-packages.sh

check-python:
	@scripts/check.sh

check-console:
	@scripts/check-console.sh

run: setup ## start everything with the demo utility / 启动全部(含演示数据)
	@exec $(PY) -m openmains.run.cli demo

test: ## every check and the tests, as CI / 全部检查与测试
	@$(BOTH) packages-test console
	@$(BOTH) --output-sync=target check-python check-console
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=25 --durations-min=5 -m "not slow"

test-slow: ## soaks, long kills, long fuzz, a real year / 耗时测试
	@$(BOTH) packages-test console
	@$(PY) -m pytest -s --durations=0 --durations-min=5 -m "slow"

check: setup-dev ## the checks and the tests without engines / 快速检查
	@scripts/check.sh > .setup/check.log 2>&1 & checks=$$!; \
	$(PY) -m pytest -q -n $(WORKERS) --dist loadgroup --hypothesis-profile check -m "not engines and not tools and not slow"; tests=$$?; \
	wait $$checks; checks=$$?; cat .setup/check.log; [ $$tests = 0 ] && [ $$checks = 0 ]

bench: setup ## measure ingest, queries and pages on this machine / 性能测试
	@$(PY) -m openmains.run.cli bench machine
	@$(PY) -m openmains.run.cli bench ingest
	@$(PY) -m openmains.run.cli bench ingest --dtls --rate 9500
	@$(PY) -m openmains.run.cli bench idle
	@$(PY) -m openmains.run.cli bench overload
	@$(PY) -m openmains.run.cli bench handshake
	@$(PY) -m openmains.run.cli bench sessions --storm 262144
	@$(PY) -m openmains.run.cli bench query
	@$(PY) -m openmains.run.cli bench pages
	@$(PY) -m openmains.run.cli bench commands

fuzz: setup-dev ## fuzz the wire codecs, FUZZ_SECONDS=600 / 模糊测试
	@scripts/fuzz.sh

peers: setup-dev ## run foreign clients found here against an edge, OPENMAINS_PEERS=folder / 与他人设备栈互通
	@$(PY) -m tests.peers

console: ## build the web console / 构建网页控制台
	@scripts/setup.sh console

wheel: setup-dev ## dist/*.whl with console, migrations and driver pages / 构建安装包
	@rm -rf dist
	@$(PY) -m build --wheel --no-isolation --outdir dist

client: setup-dev ## the API's Python client as a package in dist/openmains-client / 生成 Python 客户端
	@scripts/client.sh dist/openmains-client

docs: setup-dev ## renew the generated reference pages / 更新生成的文档
	@$(PY) scripts/reference.py
	@$(PY) -m openmains.edges.http.openapi docs/reference/openapi.json

lock: ## renew the lock files (needs uv) / 更新锁定文件
	@scripts/lock.sh $(LOCK)

versions: setup-dev ## monthly: newer releases, known faults / 每月检查:新版本与安全公告
	@$(PY) scripts/versions.py

clean: ## remove what setup made; data in var/ stays / 清除构建产物
	rm -rf .venv .setup dist build console/node_modules console/dist src/openmains/console_dist
