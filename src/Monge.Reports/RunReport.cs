using Monge.Data;
using Monge.Reports.Drawing;
using Monge.Reports.Page;
using Monge.Runs;

namespace Monge.Reports;

/// <summary>
/// Reports of runs, made from what each says of itself (<see cref="RunPictures"/>): <see cref="PageName"/>, one interactive page that needs no network, and
/// its most telling pictures as <see cref="SvgName"/> and <see cref="PngName"/>; of a law in time also <see cref="StripName"/>. Each file appears when it is
/// whole.
/// </summary>
public static class RunReport
{
    /// <summary>The page's file name.</summary>
    public const string PageName = "report.html";

    /// <summary>The file name of the image as vector graphics.</summary>
    public const string SvgName = "picture.svg";

    /// <summary>The file name of the image in pixels.</summary>
    public const string PngName = "picture.png";

    /// <summary>The file name of the image, as vector graphics, that shows a law at several times side by side.</summary>
    public const string StripName = "evolution.svg";

    /// <summary>Writes page and images into the folder of a run, from the description that it holds.</summary>
    /// <param name="folder">A folder with <see cref="RunPictures.FileName"/>.</param>
    /// <exception cref="DataFormatException">The description can't be read.</exception>
    /// <exception cref="IOException">There is none, or a file can't be written.</exception>
    public static void Write(string folder) => Write(folder, RunPictures.Read(folder));

    /// <summary>Writes a description into the folder of its run, and page and images beside it.</summary>
    /// <param name="folder">The folder; it must exist.</param>
    /// <param name="run">What the run says of itself.</param>
    /// <exception cref="IOException">A file can't be written.</exception>
    public static void Write(string folder, RunPictures run)
    {
        ArgumentNullException.ThrowIfNull(run);
        run.Write(folder);
        AtomicFile.WriteText(Path.Combine(folder, PageName), ReportPage.Of(run));
        AtomicFile.Write(Path.Combine(folder, SvgName), stream => StaticPicture.WriteSvg(run, stream));
        AtomicFile.Write(Path.Combine(folder, PngName), stream => StaticPicture.WritePng(run, stream));
        if (run.Pictures.Any(p => p.IsStrip))
        {
            AtomicFile.Write(Path.Combine(folder, StripName), stream => StripPicture.WriteSvg(run, stream));
        }
    }

    /// <summary>Writes a page with several runs side by side: equal pictures next to each other, and a table of their figures.</summary>
    /// <param name="folders">Folders with <see cref="RunPictures.FileName"/>; their names become the runs' names.</param>
    /// <param name="path">The page's file.</param>
    /// <exception cref="DataFormatException">A description can't be read.</exception>
    /// <exception cref="IOException">There is none, or the page can't be written.</exception>
    public static void Compare(IReadOnlyList<string> folders, string path)
    {
        ArgumentNullException.ThrowIfNull(folders);
        string[] names = [.. folders.Select(f => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(f))))];
        var areDistinct = names.Distinct().Count() == names.Length;
        AtomicFile.WriteText(path, ReportPage.Of([.. folders.Select((f, k) => (areDistinct ? names[k] : f, RunPictures.Read(f)))]));
    }
}
