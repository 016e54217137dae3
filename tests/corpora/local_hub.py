"""A hub on this machine: as much of its protocol as it takes to list and to download the files of data sets."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from threading import Thread
from urllib.parse import unquote, urlsplit


def commit_of(repo, branch):
    """The commit at the head of a branch."""
    return sign(f"{repo}@{branch}".encode())


class Handler(BaseHTTPRequestHandler):
    """Answers for the data sets of its server, `repos`."""

    def log_message(self, *_):
        pass

    def reply(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer(self, content):
        self.reply(200, json.dumps(content).encode(), Content_Type="application/json")

    def refuse(self, code, status=404):
        self.reply(status, X_Error_Code=code, X_Error_Message=code)

    def files_at(self, repo, revision):
        for branch, files in self.server.repos[repo].items():
            if revision in (branch, commit_of(repo, branch)):
                return commit_of(repo, branch), files
        return None, {}

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.look_up(json.loads(asked).get("paths", []))

    def do_GET(self):
        self.look_up()

    do_HEAD = do_GET

    def look_up(self, asked=()):
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[:2] == ["api", "datasets"]:
            del parts[0]
        repo = "/".join(parts[1:3])
        if parts[0] != "datasets" or repo not in self.server.repos:
            return self.refuse("RepoNotFound")
        kind, revision = (*parts[3:5], None, None)[:2]
        if kind in ("resolve", "auth-check") and repo in self.server.gated:
            return self.refuse("GatedRepo", self.server.gated[repo])
        if kind == "auth-check":
            return self.answer({})
        commit, files = self.files_at(repo, revision or "main")
        path = "/".join(parts[5:])
        if commit is None:
            return self.refuse("RevisionNotFound")
        return self.tell(kind, repo, commit, files, path, asked)

    def tell(self, kind, repo, commit, files, path, asked):
        if kind in (None, "revision"):
            names = [{"rfilename": name} for name in files]
            return self.answer({"id": repo, "sha": commit, "private": False, "tags": [], "siblings": names})
        if kind == "tree":
            below = f"{path}/" if path else ""
            found = [e for e in entries(files) if e["path"].startswith(below)]
            whole = "recursive=true" in self.path.lower()
            return self.answer([e for e in found if whole or "/" not in e["path"].removeprefix(below)])
        if kind == "paths-info":
            return self.answer([e for e in entries(files) if e["path"] in asked])
        if kind == "resolve" and path in files:
            return self.reply(200, files[path], ETag=f'"{sign(files[path])}"', X_Repo_Commit=commit)
        return self.reply(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)


@contextmanager
def serve(repos, gated=None):
    """Run a hub until the block is left; yields its address.

    Args:
        repos: for every data set {branch: {path: bytes}}.
        gated: {data set: status} of those whose files are refused, with 401 for want of a login or else 403.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.repos, server.gated = repos, gated or {}
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def entries(files):
    """What the hub says of the files and folders of a data set."""
    folders = sorted({str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."})
    listed = [{"type": "directory", "path": path, "size": 0, "oid": sign(path.encode())} for path in folders]
    return listed + [{"type": "file", "path": p, "size": len(b), "oid": sign(b)} for p, b in files.items()]


def sign(content):
    """A short name of a file's content."""
    return hashlib.sha1(content).hexdigest()
