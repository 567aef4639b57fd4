using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Monge.Reports.Tests;

/// <summary>A test in a real browser; where Chromium isn't installed it is skipped, and says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ChromiumTheoryAttribute : TheoryAttribute
{
    public ChromiumTheoryAttribute()
    {
        if (!File.Exists(Chromium.Program))
        {
            Skip = $"Chromium isn't installed ({Chromium.Program}), so the pages weren't looked at in a browser.";
        }
    }
}

/// <summary>Opens a page in headless Chromium, moves its sliders, and tells what was seen.</summary>
internal static partial class Chromium
{
    public const string Program = "/usr/bin/chromium";

    private static readonly string[] s_flags =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--hide-scrollbars",
        "--virtual-time-budget=20000",
    ];

    // What goes wrong is written down before anything else runs, and the page is asked when all is drawn.
    private const string Watch = """
        <script>
        window.problems = [];
        addEventListener('error', e => problems.push('error: ' + e.message));
        addEventListener('unhandledrejection', e => problems.push('rejected: ' + e.reason));
        addEventListener('securitypolicyviolation', e => problems.push('fetched: ' + e.blockedURI));
        for (const kind of ['error', 'warn']) console[kind] = (...words) => problems.push(kind + ': ' + words.join(' '));
        </script>
        """;

    private const string Ask = """
        <script>
        addEventListener('load', async () => {
          await window.reportDrawn;
          const marks = e => [...e.querySelectorAll('.scatterlayer path, .barlayer path')].map(p => p.getAttribute('d') + p.getAttribute('transform'));
          const figures = [...document.querySelectorAll('[data-figure]')].map(e => ({
            name: e.closest('figure').dataset.name, marks: marks(e).length, width: e.offsetWidth, height: e.offsetHeight,
          }));
          const sliders = [];
          for (const input of document.querySelectorAll('.slider input')) {
            const plot = document.getElementById(input.dataset.plot), before = marks(plot).join(), label = input.parentElement.querySelector('output').value;
            input.value = input.max;
            input.dispatchEvent(new Event('input'));
            await new Promise(done => setTimeout(done, 200));
            sliders.push({ moved: marks(plot).join() !== before, told: input.parentElement.querySelector('output').value !== label });
          }
          const overflow = document.documentElement.scrollWidth - innerWidth;
          parent.postMessage(JSON.stringify({ problems, figures, sliders, width: innerWidth, overflow }), '*');
        });
        </script>
        """;

    // A window of the browser can't be as narrow as a telephone, a frame in it can.
    private const string Frame = """
        <!DOCTYPE html><body><pre id="verdict"></pre>
        <script>addEventListener('message', e => { document.getElementById('verdict').textContent = e.data; });</script>
        <iframe src="page.html" style="border: 0; width: WIDTHpx; height: 1000px"></iframe></body>
        """;

    /// <summary>Opens a page in a frame of a width.</summary>
    /// <param name="page">The page's file.</param>
    /// <param name="width">Pixels.</param>
    public static JsonObject Look(string page, int width)
    {
        var folder = Directory.CreateTempSubdirectory("monge-chromium").FullName;
        try
        {
            var text = File.ReadAllText(page);
            var watched = text.Replace("<head>", "<head>" + Watch, StringComparison.Ordinal).Replace("</body>", Ask + "</body>", StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, "page.html"), watched);
            var frame = Path.Combine(folder, "frame.html");
            File.WriteAllText(frame, Frame.Replace("WIDTH", width.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
            var output = Run(folder, ["--window-size=1600,1100", "--dump-dom", new Uri(frame).AbsoluteUri]);
            var verdict = Verdict().Match(output);
            Assert.True(verdict.Success, $"The page didn't come to its end: {output[..Math.Min(output.Length, 300)]}");
            return JsonNode.Parse(WebUtility.HtmlDecode(verdict.Groups[1].Value))!.AsObject();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Run(string folder, string[] arguments)
    {
        var start = new ProcessStartInfo(Program, [.. s_flags, $"--user-data-dir={Path.Combine(folder, "profile")}", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output.Length > 0 ? output : errors.Result;
    }

    [GeneratedRegex("<pre id=\"verdict\">(.+?)</pre>", RegexOptions.Singleline)]
    private static partial Regex Verdict();
}
