# SPDX-License-Identifier: Apache-2.0
"""The import of meters: what a file may hold, a file to begin with, and the import itself as a job."""

import asyncio
from io import BytesIO
from typing import Annotated, Any, Literal

from litestar import Request, Response, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.params import JSONBody, MultipartBody, QueryParameter
from msgspec import Struct

from openmains.app.fleet.areas import AreaFilter
from openmains.app.fleet.imports.headings import ImportHeading, ImportHeadings, remove_heading, set_heading
from openmains.app.fleet.imports.undo import ask_for_undo
from openmains.app.fleet.ports import AreaStore, ProductStore
from openmains.app.job.model import Job
from openmains.app.job.request import ask_for_job
from openmains.app.spreadsheet import csv_bytes
from openmains.app.workbook import workbook_in
from openmains.domain.fleet.registry_columns import COLUMNS, REQUIRED
from openmains.domain.fleet.registry_help import HELP
from openmains.domain.identity.permission import Permission
from openmains.edges.http.bulk_inputs import CSV, XLSX
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id, ReasonText
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.text_door import file_name
from openmains.edges.http.uploads import LARGEST_IMPORT, keep_upload, kind_of


class ImportColumn(Struct, frozen=True):
    """A column that the import of meters reads, in the caller's language. ``others``: headings under which it is read too."""

    name: str
    heading: str
    others: list[str]
    required: bool
    example: str
    rule: str


@get("/imports/columns", operation_id="list_import_columns", tags=["jobs"], opt=may(Permission.MANAGE_METERS))
async def list_import_columns(request: Request[Any, Any, Any]) -> list[ImportColumn]:
    """What a file of meters may hold, column by column, with an example that is taken."""
    language = language_of(request)
    examples = await _examples(request)
    return [
        ImportColumn(
            name,
            column.zh if language == "zh" else column.en,
            [heading for heading in column.headings if heading != (column.zh if language == "zh" else column.en)],
            name in REQUIRED,
            examples[name],
            HELP[name].zh if language == "zh" else HELP[name].en,
        )
        for name, column in COLUMNS.items()
    ]


@get("/imports/headings", operation_id="list_import_headings", tags=["jobs"], opt=may(Permission.MANAGE_METERS))
async def list_import_headings(request: Request[Any, Any, Any]) -> list[ImportHeading]:
    """Headings of other systems' files that people said are columns of the import of meters."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[ImportHeadings].all()


@put(
    "/imports/headings", operation_id="set_import_heading", tags=["jobs"], opt=may(Permission.MANAGE_METERS, whole=True)
)
async def set_import_heading(request: Request[Any, Any, Any], data: JSONBody[ImportHeading]) -> list[ImportHeading]:
    """A heading of other systems' files is this column from now on. What a heading means here already stays."""
    return await set_heading(deps_of(request).store, actor_of(request), data)


@delete(
    "/imports/headings",
    operation_id="remove_import_heading",
    status_code=200,
    tags=["jobs"],
    opt=may(Permission.MANAGE_METERS, whole=True),
)
async def remove_import_heading(
    request: Request[Any, Any, Any], heading: Annotated[str, QueryParameter(min_length=1, max_length=100)]
) -> list[ImportHeading]:
    """It is no column any more."""
    return await remove_heading(deps_of(request).store, actor_of(request), heading)


@get(
    "/imports/template",
    operation_id="download_import_template",
    media_type="application/octet-stream",
    tags=["jobs"],
    opt=may(Permission.MANAGE_METERS),
)
async def download_import_template(
    request: Request[Any, Any, Any],
    kind: Annotated[Literal["csv", "xlsx"], QueryParameter(name="format", description="csv or xlsx.")] = "xlsx",
) -> Response[bytes]:
    """A file to begin with: the headings in the caller's language and one example row, which is to be replaced."""
    language = language_of(request)
    heads = [column.zh if language == "zh" else column.en for column in COLUMNS.values()]
    rows = [heads, list((await _examples(request)).values())]
    data = b"".join(csv_bytes(rows)) if kind == "csv" else await asyncio.to_thread(_workbook, rows)
    return Response(
        data,
        media_type=CSV if kind == "csv" else XLSX,
        headers={"Content-Disposition": f'attachment; filename="meters-template.{kind}"'},
    )


async def _examples(request: Request[Any, Any, Any]) -> dict[str, str]:
    """By column, with a product and an area that this utility has."""
    language = language_of(request)
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        products, areas = await work[ProductStore].page(1, 0), await work[AreaStore].page(AreaFilter(limit=1))
    own = {"product": products[0].code if products else "", "area": areas[0].code if areas else ""}
    return {
        name: own.get(name, (told.example_en or told.example) if language == "en" else told.example)
        for name, told in HELP.items()
    }


def _workbook(rows: list[list[str]]) -> bytes:
    """One sheet of text cells: a spreadsheet that takes an IMEI for a number rewrites it."""
    data = BytesIO()
    with workbook_in(data) as book:
        sheet, text, bold = book.add_worksheet(), book.add_format({"num_format": "@"}), book.add_format({"bold": True})
        sheet.set_column(0, len(rows[0]) - 1, 18, text)
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write_string(place, column, cell, bold if place == 0 else text)
    return data.getvalue()


@post(
    "/imports",
    operation_id="start_import",
    status_code=202,
    tags=["jobs"],
    request_max_body_size=LARGEST_IMPORT,
    opt=may(Permission.MANAGE_METERS, whole=True),
)
async def start_import(
    request: Request[Any, Any, Any],
    data: MultipartBody[UploadFile],
    partial: Annotated[
        bool, QueryParameter(description="Keep the good rows of a file with faults; otherwise all or nothing.")
    ] = False,
    create_areas: Annotated[bool, QueryParameter(description="Make areas the file names and we lack.")] = False,
    preview: Annotated[
        bool, QueryParameter(description="Only tell what would happen: counts, and the first rows one by one.")
    ] = False,
) -> Job:
    """Import meters from CSV or XLSX as a job; the same file is the same job while it waits or runs."""
    deps, actor = deps_of(request), actor_of(request)
    kind = await kind_of(data)
    folder = deps.settings.upload_dir / str(actor.tenant_id)
    digest, path = await asyncio.to_thread(keep_upload, data, folder, kind)
    name = file_name(data)
    params = {
        "file_name": name,
        "format": kind,
        "partial": partial,
        "create_areas": create_areas,
        "preview": preview,
        "sha256": digest,
    }
    key = f"import:{digest}:{int(partial)}{int(create_areas)}{int(preview)}"
    return await ask_for_job(deps.store, actor, "meter_import", params, file_path=str(path), unique_key=key)


class UndoOfImport(Struct, frozen=True, forbid_unknown_fields=True):
    """``partial``: take back what can be and leave the rest; otherwise one meter that was used since keeps all. ``preview``: only tell
    what would happen. Without a preview the reason is needed."""

    reason: ReasonText = ""
    partial: bool = False
    preview: bool = False


@post(
    "/imports/{job_id:int}/undo",
    operation_id="undo_import",
    status_code=202,
    tags=["jobs"],
    opt=may(Permission.MANAGE_METERS, whole=True),
)
async def undo_import(request: Request[Any, Any, Any], job_id: Id, data: JSONBody[UndoOfImport]) -> Job:
    """Take an import of meters back, as a job: meters it changed are as before, meters it made are gone. Rows whose meters were used since
    stay; the job's list of errors names each with its reason. Within 30 days."""
    deps, actor = deps_of(request), actor_of(request)
    folder = deps.settings.upload_dir / str(actor.tenant_id)
    return await ask_for_undo(
        deps.store, actor, job_id, data.reason, partial=data.partial, preview=data.preview, folder=folder
    )


HANDLERS: list[Any] = [
    list_import_columns,
    list_import_headings,
    set_import_heading,
    remove_import_heading,
    download_import_template,
    start_import,
    undo_import,
]
