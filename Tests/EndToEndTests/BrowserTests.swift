import Foundation
import Testing

extension EndToEnd {
    /// Opens the address in Chromium, waits until the page says that it is connected and its canvas has several
    /// colours, and prints the address bar, the state and the number of colours.
    private static let look = """
        import os, sys, tempfile
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        from selenium.webdriver.support.ui import WebDriverWait
        # The browser leaves folders of its own behind.
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        os.environ["TMPDIR"] = folder.name
        options = webdriver.ChromeOptions()
        for word in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--ignore-certificate-errors", "--window-size=1100,850"]:
            options.add_argument(word)
        driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        state = lambda d: d.execute_script("return document.documentElement.dataset.state || ''")
        colours = lambda d: d.execute_script('''
            const canvas = document.querySelector("canvas");
            if (!canvas || !canvas.width) return 0;
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(new Uint32Array(data.buffer)).size;''')
        try:
            driver.get(sys.argv[1])
            done = sys.argv[3]
            WebDriverWait(driver, 30).until(
                lambda d: state(d) == done and (done != "connected" or colours(d) > 1))
            driver.save_screenshot(sys.argv[2])
            print(driver.current_url, state(driver), colours(driver))
            print(driver.execute_script("return document.getElementById('notice').textContent"))
        finally:
            driver.quit()
        """

    @Test("Chromium shows a session in noVNC, and the ticket leaves the address bar")
    func browser() throws {
        try Gateway.withSession { number in
            let address = try Gateway.ticket(number).address
            let file = try Gateway.screenshot("browser.png")
            let answer = try Gateway.run(["/usr/bin/python3", "-c", Self.look, address, file, "connected"])
            #expect(answer.status == 0, "\(answer.output)")
            let words = answer.output.split(whereSeparator: \.isWhitespace)
            #expect(words.first?.hasSuffix("/view/\(number)") == true)
            #expect(words.count >= 3 && words[1] == "connected")
            #expect((words.count >= 3 ? Int(words[2]) ?? 0 : 0) > 1)
            let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
            #expect((size ?? 0) > 1000)
        }
    }

    @Test("a wrong ticket is told in a sentence")
    func wrongTicket() throws {
        let address = "https://localhost:\(try Gateway.port)/view/1#00000000000000000000000000000000"
        let file = try Gateway.screenshot("wrong-ticket.png")
        let answer = try Gateway.run(["/usr/bin/python3", "-c", Self.look, address, file, "ended"])
        #expect(answer.output.contains("The ticket is wrong or has expired"), "\(answer.output)")
    }

    @Test("the pages say what a browser may not do, and a page that is not there is a sentence")
    func headers() throws {
        let base = "https://localhost:\(try Gateway.port)"
        let curl = ["curl", "-s", "-i", "--path-as-is", "--cacert", try Gateway.setting("MAXWELL_CA")]
        let page = try Gateway.run(curl + [base + "/view/1"]).output.lowercased()
        #expect(page.hasPrefix("http/1.1 200"))
        #expect(page.contains("content-security-policy: default-src 'none'"))
        #expect(page.contains("referrer-policy: no-referrer"))
        #expect(page.contains("x-content-type-options: nosniff"))
        for path in ["/no-such-page", "/view/x", "/novnc/../../../etc/passwd", "/novnc/%2e%2e/%2e%2e/etc/passwd"] {
            let answer = try Gateway.run(curl + [base + path]).output
            #expect(answer.hasPrefix("HTTP/1.1 404"), "\(path)")
            #expect(!answer.contains("root:"))
        }
    }
}
