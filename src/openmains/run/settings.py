# SPDX-License-Identifier: Apache-2.0
"""Settings: defaults, then a TOML file, then ``OPENMAINS_…`` variables; each later one wins.

The table of settings is this dataclass; the reference page, ``openmains settings`` and the checks are made from it.
"""

import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from openmains.domain.period import DAY_S
from openmains.run.engines.child import StartError
from openmains.run.engines.engines import EngineOptions, EngineUrls, read_urls

PREFIX = "OPENMAINS_"
FILE_NAME = "openmains.toml"
_PASSWORD = re.compile(r"(//[^:/@]*:)[^@]*@")


def _s(
    default: Any,
    zh: str,
    en: str,
    *,
    low: int | None = None,
    high: int | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
    group: tuple[str, str] | None = None,
) -> Any:
    meta = {"zh": zh, "en": en, "low": low, "high": high, "choices": choices, "secret": secret, "group": group}
    return field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of all roles; immutable. Sizes and times carry their unit in the name."""

    var: str = _s("var", "数据目录(数据库、消息流、日志、密钥)", "data directory (databases, stream, logs, secrets)",
                  group=("基本", "Basics"))  # fmt: skip
    language: str = _s(
        "", "提示语言;空 = 按系统环境", "language of messages; empty = from the environment", choices=("", "zh", "en")
    )
    log_level: str = _s("info", "日志级别", "log level", choices=("debug", "info", "warning", "error"))
    log_file_mb: int = _s(20, "单个日志文件上限(MB)", "a log file's size limit (MB)", low=1, high=10_000)
    log_files: int = _s(5, "每种日志保留的旧文件数", "old files kept of each log", low=1, high=1000)
    min_free_mb: int = _s(
        1024, "数据目录所在磁盘的最小剩余空间(MB),不足则不启动", "least free disk space to start with (MB)", low=16
    )

    ready_free_mb: int = _s(
        64,
        "运行中磁盘剩余空间低于此值时 /ready 报告磁盘已满(MB)",
        "free disk space below which /ready says that the disk is full (MB)",
        low=1,
    )

    coap_host: str = _s(
        "0.0.0.0",  # noqa: S104 - meters come from outside
        "表具接入(DTLS 与 CoAP)监听地址",
        "address that listens for meters (DTLS and CoAP)",
        group=("接入", "Edge"),
    )
    dtls_port: int = _s(5684, "DTLS UDP 端口;0 = 关闭", "DTLS UDP port; 0 = off", low=0, high=65535)
    coap_port: int = _s(
        0,
        "明文 CoAP UDP 端口(标准为 5683);0 = 关闭。明文既不保密也不认证,仅限可信网络",
        "UDP port of plain CoAP (standard: 5683); 0 = off. It neither hides nor proves anything: trusted networks only",
        low=0,
        high=65535,
    )
    tcp_port: int = _s(
        0,
        "集中器、DTU、常在线表 TCP 端口;0 = 关闭。终端号不是凭证:对外开放时须启用 TLS 并核验终端证书",
        "TCP port for concentrators, DTUs and always-on meters; 0 = off. A terminal's number proves nothing: outside a network of your own"
        " use TLS with terminals' certificates",
        low=0,
        high=65535,
    )
    tcp_certificate: str = _s(
        "", "TCP 端口的 TLS 证书文件(PEM);空 = 不加密", "TLS certificate of the TCP port (PEM); empty = no TLS"
    )
    tcp_key: str = _s("", "其私钥文件(PEM)", "its private key (PEM)")
    tcp_client_ca: str = _s(
        "",
        "签发终端证书的机构(PEM),证书 CN 须为 16 位终端编号;空 = 不核验终端证书",
        "authority of the terminals' certificates (PEM), the CN of each being the terminal's 16 digits; empty = none is asked for",
    )
    tcp_unproven_commands: bool = _s(
        False,
        "阀控、价格等签名类命令是否也经未以证书证明身份的 TCP 终端下发;仅限自有网络(APN、VPN)。校时与点抄不受限",
        "whether signed commands (valve, price) also go down to TCP terminals without a certificate that proves them; only within a network of"
        " your own (APN, VPN). Reading and setting a clock are not held to this",
    )
    tcp_connections: int = _s(20_000, "TCP 连接上限", "most TCP connections", low=1)
    tcp_address_connections: int = _s(1_000, "单个来源地址的 TCP 连接上限(可信网段除外)",
                                      "most TCP connections of one address not of a trusted network", low=1)  # fmt: skip
    mqtt_broker: str = _s("", "MQTT 服务器地址(LoRaWAN 网络服务器所用),如 mqtts://broker:8883;空 = 关闭。多节点时仅在一个节点上设置",
                       "MQTT broker of a LoRaWAN network server, as mqtts://broker:8883; empty = off. Of several nodes on one")  # fmt: skip
    mqtt_user: str = _s("", "MQTT 用户名", "user at the MQTT broker")
    mqtt_password: str = _s("", "MQTT 密码", "password at the MQTT broker", secret=True)
    mqtt_ca: str = _s("", "签发 MQTT 服务器证书的机构(PEM);空 = 系统信任的机构",
                      "authority of the MQTT broker's certificate (PEM); empty = those the system trusts")  # fmt: skip
    mqtt_tenant: str = _s("", "该 MQTT 服务器所属租户的代码;只有一个租户时可空",
                          "code of the utility whose MQTT broker it is; may be empty where there is one utility")  # fmt: skip
    mqtt_lorawan_topic: str = _s("application/+/device/+/event/+", "LoRaWAN 事件主题(ChirpStack v4 格式);空 = 不订阅",
                                 "topic of LoRaWAN events (as ChirpStack v4 has them); empty = not subscribed to")  # fmt: skip
    mqtt_json_topic: str = _s("", "网关普通 JSON 的主题(由驱动页解析),如 plant/+/state;空 = 不订阅",
                              "topic of gateways' plain JSON, read by driver pages, as plant/+/state; empty = not subscribed to")  # fmt: skip
    mqtt_gateways: bool = _s(False, "订阅 openmains gateway 网关的主题(openmains/gateway/+/…)",
                             "subscribe to the topics of gateways that run openmains gateway (openmains/gateway/+/…)")  # fmt: skip
    mqtt_command_port: int = _s(10, "LoRaWAN 下行命令的端口(FPort)", "LoRaWAN port (FPort) of commands", low=1, high=223)  # fmt: skip
    operator_platforms: bool = _s(True, "运营商平台(CTWing、IoTDA、OneNET)接入;多节点时同时只有一个节点工作,其余待命",
                                  "operators' platforms (CTWing, IoTDA, OneNET); of several nodes one works at a time")  # fmt: skip
    node: int = _s(
        1, "本接入节点编号,各节点不同;写入会话标识", "number of this edge node, each its own; part of Connection IDs",
        low=1, high=255,
    )  # fmt: skip
    session_cache: int = _s(
        1_000_000, "内存中保留的 DTLS 会话数,其余按需从磁盘读取", "DTLS sessions kept in memory; others are read when needed",
        low=100,
    )  # fmt: skip
    bootstrap_uri: str = _s(
        "",
        "表具重新引导后应连接的地址,如 coaps://meters.example.org:5684;空 = 不以引导更换密钥",
        "where meters find the platform, as coaps://meters.example.org:5684; empty = no new keys by bootstrap",
    )
    edge_batch_ms: int = _s(20, "上行批次最长等待(毫秒)", "longest wait of an uplink batch (ms)", low=1, high=1000)
    edge_batch_messages: int = _s(500, "上行批次最多消息数", "most messages in an uplink batch", low=1, high=10_000)
    edge_receive_buffer_kb: int = _s(
        8192,
        "UDP 接收缓冲区(KB);内核上限见 net.core.rmem_max",
        "UDP receive buffer (KB); see net.core.rmem_max",
        low=64,
    )
    address_rate_per_s: int = _s(
        50, "单个来源地址每秒消息上限(运营商 NAT 后可提高)", "messages a second allowed from one address", low=1
    )
    trusted_networks: str = _s(
        "127.0.0.0/8, ::1/128",
        "运营商 NAT、负载均衡等可信来源网段(逗号分隔),适用下一项上限",
        "networks of carriers' NATs and load balancers (comma separated); the next rate is theirs",
    )
    trusted_rate_per_s: int = _s(
        100_000, "可信网段内单个地址每秒消息上限", "messages a second from one address of a trusted network", low=1
    )
    meter_rate_per_min: int = _s(
        30, "单只表每分钟消息上限,超出答 4.29", "messages a minute taken from one meter; more are answered 4.29", low=1
    )
    edge_waiting_messages: int = _s(
        20_000, "等待写入消息流的消息上限,超出即答 5.03", "messages that may wait for the stream; beyond it 5.03", low=1
    )

    access_observe_points: int = _s(
        10, "终端安全:达到此分即观察", "points at which a terminal is observed", low=1, high=100_000,
        group=("终端安全", "Terminals"),
    )  # fmt: skip
    access_quarantine_points: int = _s(
        50, "达到此分即隔离(读数标记为可疑,不下发命令)", "points of quarantine (readings marked, no commands)",
        low=2, high=100_000,
    )  # fmt: skip
    access_block_points: int = _s(
        100, "达到此分即封锁(拒绝一切)", "points at which nothing is taken any more", low=3, high=100_000
    )
    access_fade_per_day: int = _s(24, "每天消退的分数", "points that wear off in a day", low=1, high=100_000)
    access_messages_per_min: int = _s(
        120, "单终端每分钟新消息超过此数且持续三分钟即为泛洪", "fresh messages a minute, three minutes on, that are a flood",
        low=10,
    )  # fmt: skip
    on_sim_separated: str = _s(
        "alarm", "机卡分离时:告警、隔离或封锁;租户与产品可另行规定", "when a SIM is not the registered one; tenants and products"
        " may say otherwise", choices=("alarm", "quarantine", "block"),
    )  # fmt: skip
    register_rate_per_s: int = _s(
        1000,
        "每个接入进程每秒注册与握手上限,其余错峰",
        "registrations a second an edge takes; the rest is spread",
        low=1,
    )
    register_cell_rate_per_s: int = _s(10, "单个小区每秒注册上限", "registrations a second from one cell", low=1)
    register_address_rate_per_s: int = _s(
        5,
        "单个来源地址每秒注册上限(可信网段除外)",
        "registrations a second from one address not of a trusted network",
        low=1,
    )

    shards: int = _s(2, "上行流分片数;首次启动后不可更改", "shards of the uplink stream; fixed after the first start",
                     low=1, high=256, group=("处理", "Pipeline"))  # fmt: skip
    pipelines: int = _s(
        1,
        "本机处理进程数,共同分担各分片;大于 1 时须设 clickhouse_url(内置 ClickHouse 只属于一个进程),且不超过分片数",
        "pipeline processes on this machine, which share the shards; more than 1 need clickhouse_url (the embedded ClickHouse"
        " belongs to one process); at most as many as shards",
        low=1,
        high=64,
    )
    stream_max_mb: int = _s(
        4096,
        "上行流磁盘上限(MB),满则拒收、设备重发",
        "disk limit of the uplink stream (MB); full: devices are refused",
        low=64,
    )
    frame_log_days: int = _s(365, "原始报文保留天数", "days raw frames are kept", low=1, high=36_500)
    day_version_days: int = _s(
        1096,
        "日数据的旧版本自被取代起保留的天数",
        "days that an earlier version of a day is kept after another took its place",
        low=1,
        high=36_500,
    )

    http_host: str = _s("127.0.0.1", "网页与接口监听地址;对外开放时请置于 TLS 反向代理之后",
                        "address of console and API; put a TLS proxy before it to open it up",
                        group=("接口", "API"))  # fmt: skip
    http_port: int = _s(8080, "网页与接口 TCP 端口", "TCP port of console and API", low=1, high=65535)
    session_hours: int = _s(
        12,
        "登录会话在最后一次使用后的有效时间(小时)",
        "hours that a sign-in lasts after its last use",
        low=1,
        high=8760,
    )
    cookie_secure: bool = _s(False, "会话 Cookie 仅经 HTTPS 发送", "send the session cookie over HTTPS only")
    trust_forwarded: bool = _s(
        False,
        "采信可信代理所写的来源地址与协议(见下两项);仅当前面的代理会设置它们时开启",
        "believe what trusted proxies (see the next two) say of address and scheme; only behind a proxy that sets them",
    )
    trusted_proxies: str = _s(
        "127.0.0.0/8, ::1/128",
        "自己的反向代理所在网段(逗号分隔);只采信由它们添加的最后一跳",
        "networks of our own proxies (comma separated); only the last hop that one of them added is believed",
    )
    forwarded_header: str = _s(
        "x-forwarded-for",
        "代理以哪个头说明来源;另一个一律忽略",
        "the header in which the proxies say where a request comes from; the other is ignored",
        choices=("x-forwarded-for", "forwarded"),
    )
    open_metrics: bool = _s(
        False,
        "本机直接连接(未经代理)无需令牌即可读取 /metrics 全部指标",
        "all of /metrics without a token for who connects from this machine itself, through no proxy",
    )
    notify_networks: str = _s(
        "",
        "通知与推送可以访问的内部网段,以逗号分隔,如 10.2.0.0/16;公网地址不必列出,仅限加密",
        "networks of your own that notices and subscriptions may reach, parted by commas, such as 10.2.0.0/16; public addresses need not"
        " be listed and are reached encrypted only",
    )
    allowed_origins: str = _s(
        "",
        "另外允许的网页来源(逗号分隔),如 https://om.example.com;本机地址总是允许",
        "further origins of pages that may call (comma separated), like https://om.example.com; the own is allowed",
    )

    engine_size: str = _s("small", "内置引擎规格:large 适合百万只表、16 GB 内存",
                          "size of the embedded engines; large is for a million meters and 16 GB of memory",
                          choices=("small", "large"),
                          group=("引擎(地址为空则使用内置引擎)", "Engines (empty URL: embedded)"))  # fmt: skip
    postgres_owner_url: str = _s(
        "", "PostgreSQL 属主角色地址(需 BYPASSRLS)", "PostgreSQL URL of the owner role (needs BYPASSRLS)", secret=True
    )
    postgres_api_url: str = _s("", "PostgreSQL 接口角色地址", "PostgreSQL URL of the API role", secret=True)
    postgres_pipeline_url: str = _s("", "PostgreSQL 处理角色地址", "PostgreSQL URL of the pipeline role", secret=True)
    nats_url: str = _s("", "NATS 地址", "NATS URL", secret=True)
    nats_port: int = _s(0, "内置 NATS 端口;0 = 自动选择", "port of the embedded NATS; 0 = chosen", low=0, high=65535)
    clickhouse_url: str = _s("", "ClickHouse 地址", "ClickHouse URL", secret=True)

    signer_socket: str = _s(
        "",
        "签名进程的套接字;空 = 由本程序启动;给出则由其自己的系统账户单独启动(推荐)",
        "the signer's socket; empty: started by us; given: it runs under a system account of its own (better)",
        group=("命令", "Commands"),
    )
    signer_folder: str = _s(
        "", "签名进程的密钥与账本目录;空 = var/secrets/signer", "the signer's key and ledger; empty: var/secrets/signer"
    )
    postgres_signer_url: str = _s(
        "", "PostgreSQL 签名角色(只读)地址", "PostgreSQL URL of the signer's role (reads only)", secret=True
    )

    tax_adapter: str = _s(
        "", "开具数电票的税务适配器;空 = 不开票;simulator = 仅模拟,不产生真实发票",
        "adapter that issues invoices; empty: none are; simulator: emulated, no invoice counts",
        choices=("", "simulator"), group=("收费", "Charging"),
    )  # fmt: skip

    demo_report_s: int = _s(60, "演示表具的上报间隔(秒)", "seconds between two reports of a meter of the demo",
                            low=5, high=DAY_S, group=("演示", "Demo"))  # fmt: skip

    @property
    def var_path(self) -> Path:
        """Absolute data directory."""
        return Path(self.var).absolute()

    @property
    def signer_path(self) -> Path:
        """The signer's socket."""
        return Path(self.signer_socket).absolute() if self.signer_socket else self.var_path / "run" / "signer.sock"

    @property
    def signer_home(self) -> Path:
        """Where the signer keeps its key and ledger."""
        return Path(self.signer_folder).absolute() if self.signer_folder else self.var_path / "secrets" / "signer"

    @property
    def stop_folder(self) -> Path:
        """Where the files of the stop switch lie."""
        return self.var_path / "run" / "stop-commands"

    @property
    def engine_options(self) -> EngineOptions:
        """What the engines need of it."""
        return EngineOptions(
            postgres_owner_url=self.postgres_owner_url,
            postgres_api_url=self.postgres_api_url,
            postgres_pipeline_url=self.postgres_pipeline_url,
            nats_url=self.nats_url,
            clickhouse_url=self.clickhouse_url,
            nats_port=self.nats_port,
            size=self.engine_size,
        )

    def urls(self) -> EngineUrls:
        """Engine URLs for a role process: the settings' own, else those the supervisor wrote; StartError if neither."""
        outside = EngineUrls(
            self.postgres_owner_url, self.postgres_api_url, self.postgres_pipeline_url, self.nats_url, self.clickhouse_url
        )  # fmt: skip
        written = read_urls(self.var_path)
        if written is None:
            if all((outside.postgres_owner, outside.postgres_api, outside.postgres_pipeline, outside.nats)):
                clickhouse = outside.clickhouse or f"chdb://{self.var_path / 'clickhouse'}"
                return EngineUrls(
                    outside.postgres_owner,
                    outside.postgres_api,
                    outside.postgres_pipeline,
                    outside.nats,
                    clickhouse,
                    self.postgres_signer_url,
                )
            raise StartError(
                f"引擎尚未启动过({self.var_path});请先运行 openmains serve。",
                f"the engines have never been started ({self.var_path}): run openmains serve first.",
            )
        return EngineUrls(
            outside.postgres_owner or written.postgres_owner,
            outside.postgres_api or written.postgres_api,
            outside.postgres_pipeline or written.postgres_pipeline,
            outside.nats or written.nats,
            outside.clickhouse or written.clickhouse,
            self.postgres_signer_url or written.postgres_signer,
            {} if outside.nats else written.nats_roles,
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and where each value came from: ``default``, ``file`` or ``environment``."""

    settings: Settings
    origin: dict[str, str]
    file: Path | None


def load(environment: Mapping[str, str] | None = None, file: Path | None = None, **given: Any) -> Loaded:
    """Read settings; ``given`` (command line; None ignored) wins over all. Raises StartError with the place."""
    env = os.environ if environment is None else environment
    if file is None and env.get(f"{PREFIX}CONFIG"):
        file = Path(env[f"{PREFIX}CONFIG"])
    if file is None and Path(FILE_NAME).is_file():
        file = Path(FILE_NAME)
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    types = get_type_hints(Settings)
    if file is not None:
        for name, value in _read(file).items():
            place = f"{file}: {name}"
            if name not in types:
                raise StartError(f"{place}:没有这项设置。", f"{place}: there is no such setting.")
            values[name], origin[name] = _checked(name, value, place), "file"
    for variable, text in env.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name in types:
            values[name], origin[name] = (
                _checked(name, _from_text(types[name], text, variable), variable),
                "environment",
            )
    for name, value in given.items():
        if value is not None:
            values[name], origin[name] = _checked(name, value, f"--{name}"), "command line"
    return Loaded(Settings(**values), {name: origin.get(name, "default") for name in types}, file)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise StartError(f"无法读取 {file}:{error.strerror}", f"cannot read {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartError(f"{file} 不是有效的 TOML:{error}", f"{file} is not valid TOML: {error}") from error


def _from_text(kind: type, text: str, place: str) -> bool | int | str:
    if kind is bool:
        if text.lower() in ("true", "1", "yes"):
            return True
        if text.lower() in ("false", "0", "no"):
            return False
        raise StartError(f"{place}:应为 true 或 false。", f"{place}: should be true or false.")
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise StartError(f"{place}:应为整数。", f"{place}: should be an integer.") from None
    return text


def _checked(name: str, value: object, place: str) -> object:
    kind = get_type_hints(Settings)[name]
    meta = next(f for f in dataclasses.fields(Settings) if f.name == name).metadata
    if type(value) is not kind:
        raise StartError(f"{place}:类型应为 {kind.__name__}。", f"{place}: should be of type {kind.__name__}.")
    low, high, choices = meta["low"], meta["high"], meta["choices"]
    if isinstance(value, int) and ((low is not None and value < low) or (high is not None and value > high)):
        limits = f"{low if low is not None else ''}…{high if high is not None else ''}"
        raise StartError(f"{place}:应在 {limits} 之间。", f"{place}: should be within {limits}.")
    if choices and value not in choices:
        words = ", ".join(repr(choice) for choice in choices)
        raise StartError(f"{place}:应为 {words} 之一。", f"{place}: should be one of {words}.")
    return value


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def masked(url: str) -> str:
    """The URL without its password."""
    return _PASSWORD.sub(r"\1***@", url)


def as_toml(loaded: Loaded) -> str:
    """The live values as a commented TOML file; passwords masked."""
    lines = [f"# openmains settings; file: {loaded.file or '-'}"]
    for item in dataclasses.fields(Settings):
        meta = item.metadata
        if meta["group"]:
            lines += ["", f"# ---- {meta['group'][0]} / {meta['group'][1]} ----"]
        value = getattr(loaded.settings, item.name)
        lines.append(f"# {meta['zh']} / {meta['en']}{_limits(meta)}")
        came = loaded.origin[item.name]
        note = "" if came == "default" else f"  # {came}"
        lines.append(f"{item.name} = {_toml(masked(value) if meta['secret'] else value)}{note}")
    return "\n".join(lines) + "\n"


def _limits(meta: Mapping[str, Any]) -> str:
    if meta["choices"]:
        return " (" + " | ".join(choice or '""' for choice in meta["choices"]) + ")"
    if meta["low"] is not None or meta["high"] is not None:
        return f" ({'' if meta['low'] is None else meta['low']}…{'' if meta['high'] is None else meta['high']})"
    return ""


def as_markdown() -> str:
    """The reference page, from the defaults."""
    lines = [
        "<!-- Generated by `make docs` from src/openmains/run/settings.py; do not edit. -->",
        "# Settings / 设置",
        "",
        "Later wins / 后者优先: default / 默认值 → `openmains.toml` (or `--config`, `OPENMAINS_CONFIG`)"
        " → environment / 环境变量 → command line / 命令行.",
        "`openmains settings` prints the live values / 显示当前值.",
    ]
    for item in dataclasses.fields(Settings):
        meta = item.metadata
        if meta["group"]:
            lines += ["", f"## {meta['group'][1]} / {meta['group'][0]}", ""]
            lines += ["| setting | variable | default | 说明 | meaning |", "|---|---|---|---|---|"]
        limits = _limits(meta).replace("|", "\\|")
        default = _toml(item.default)
        lines.append(
            f"| `{item.name}` | `{PREFIX}{item.name.upper()}` | `{default}` | {meta['zh']} | {meta['en']}{limits} |"
        )
    return "\n".join(lines) + "\n"
