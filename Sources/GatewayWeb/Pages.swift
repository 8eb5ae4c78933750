import HTTPTypes
import Hummingbird

/// Everything the gateway shows in a browser, by path.
struct Pages: Sendable {
    let noVNC: StaticFolder

    func router() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: SafetyHeaders())
        router.get("/") { _, _ in answer(PackageResources.home_html, "text/html; charset=utf-8") }
        router.get("/healthz") { _, _ in answer(Array("ok\n".utf8), "text/plain; charset=utf-8") }
        router.get("/view/:session") { _, context in
            let session = context.parameters.get("session") ?? ""
            guard (1...10).contains(session.utf8.count),
                session.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else { return nothingHere() }
            return answer(PackageResources.view_html, "text/html; charset=utf-8")
        }
        router.get("/pages/page.css") { _, _ in answer(PackageResources.page_css, "text/css; charset=utf-8") }
        router.get("/pages/view.js") { _, _ in answer(PackageResources.view_js, "text/javascript; charset=utf-8") }
        router.get("/novnc/**") { _, context in
            // None of noVNC's names needs an escape; one that stays undecoded is not found.
            guard let file = noVNC.file(context.parameters.getCatchAll().joined(separator: "/")) else {
                return nothingHere()
            }
            return answer(file.bytes, file.type, cache: "max-age=3600")
        }
        router.get("/**") { _, _ in nothingHere() }
        return router
    }
}

private func answer(
    _ bytes: [UInt8], _ type: String, status: HTTPResponse.Status = .ok, cache: String = "no-cache"
) -> Response {
    Response(
        status: status, headers: [.contentType: type, .cacheControl: cache],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
}

private func nothingHere() -> Response {
    answer(
        Array("There is no such page; please open your session from the portal again.\n".utf8),
        "text/plain; charset=utf-8", status: .notFound)
}

/// What every answer tells the browser not to do.
private struct SafetyHeaders: RouterMiddleware {
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        response.headers[.contentSecurityPolicy] = """
            default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
            base-uri 'none'; form-action 'none'; frame-ancestors 'self'
            """
        response.headers[.xContentTypeOptions] = "nosniff"
        if let name = HTTPField.Name("Referrer-Policy") { response.headers[name] = "no-referrer" }
        return response
    }
}
