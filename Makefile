# `make help` lists the targets. The logic is in tools/; the targets only name it.
PYTHON ?= python3
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.collections
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help bootstrap demo test lint sanity unit integration molecule faults customised deployments builders site engines membership fresh_host arm64_machine bench scale versions
.DEFAULT_GOAL := help

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9_]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

bootstrap: ## virtual environment with pinned tools, and the collections needed
	@$(PYTHON) tools/bootstrap

demo: bootstrap ## fresh machine -> the sample built, tested and promoted for two platforms; prints the report's path
	@tools/demo

test: bootstrap ## fresh machine -> every test that needs no other machine
	@tools/check everything

lint: bootstrap ## ruff, mypy, yamllint, ansible-lint, changelog fragments
	@tools/check lint

sanity: bootstrap ## ansible-test sanity on the collection
	@tools/check sanity

unit: bootstrap ## tables over pure functions, and the house rules; needs no Docker
	@pytest tests/unit

integration: bootstrap ## every module against the real engine, BuildKit and registry (provisions this machine)
	@tools/check machine integration

molecule: bootstrap ## hosts from nothing to an image and to a deployment, amd64 and emulated arm64, with the time of each step
	@tools/check machine molecule

faults: bootstrap ## kills at thirty moments of builds and deployments, every bad value, many states in check mode: hours (after make test)
	@tools/check faults

customised: bootstrap ## both generations of the sample, customised and optimised, looked at on both platforms (after make test)
	@tools/check customised

deployments: bootstrap ## the sample deployed: taken over, on external services, from a registry with TLS, every option, several databases, a browser (after make test)
	@tools/check deployments

builders: bootstrap ## builders on a real BuildKit, built with Go, and on stand-ins, by an older and a newer buildx (after make test)
	@tools/check builders

site: bootstrap ## the playbook site over a fleet of an amd64 and an emulated arm64 host, its registry and a deployment on each (after make test)
	@tools/check site

engines: bootstrap ## a fleet whose engines are reached over ssh, and a machine that pretends to be one of its hosts (after make test)
	@tools/check engines

membership: bootstrap ## a fleet that two controllers provision, that hosts join, drive and leave, down to one, and that changes its driver (after make test)
	@tools/check membership

fresh_host: bootstrap ## a host without systemd, from nothing: killed, reconfigured, looked after (after make test)
	@tools/check fresh_host

arm64_machine: bootstrap ## a fleet whose second host is a whole emulated arm64 machine, with a kernel of its own (after make test)
	@tools/check arm64_machine

bench: bootstrap ## everything measured beside what others use: tests/bench/results.json, a page with a plot; empties the build cache
	@tools/check machine bench

scale: bootstrap ## what grows with hosts and with builds: tests/bench/scale.json and a page; 50 containers, 10,000 tags (after make test)
	@tools/check scale

versions: ## lint, unit tests and sanity on the oldest and the newest ansible-core that this machine has a Python for
	@$(PYTHON) tools/versions
