using Monge.Runs;
using ScottPlot;
using SkiaSharp;

namespace Monge.Reports.Drawing;

/// <summary>The image that stands for a run: its headline pictures in a row, on white, for documents.</summary>
internal static class StaticPicture
{
    private const int CellWidth = 400;
    private const int CellHeight = 400;
    private const int AboveAndBelow = 140;
    private const int Beside = 76;
    private const int MostHeight = 1600;
    private const int TitleHeight = 40;
    private const int MostCells = 4;
    private const int MatrixCell = 132;
    private const int MatrixGap = 8;
    private const int LargeMatrix = 6;
    private const int SmallestHeight = 280;
    private const int Left = 66;
    private const int Below = 50;
    private const float PixelsPerUnit = 1.6f;

    /// <summary>Writes the image as vector graphics.</summary>
    public static void WriteSvg(RunPictures run, Stream stream)
    {
        var layout = Arrange(run);
        using var canvas = SKSvgCanvas.Create(new SKRect(0, 0, layout.Width, layout.Height), stream);
        Draw(run, layout, canvas);
    }

    /// <summary>Writes the image in pixels, as PNG.</summary>
    public static void WritePng(RunPictures run, Stream stream)
    {
        var layout = Arrange(run);
        using var surface = SKSurface.Create(new SKImageInfo((int)(layout.Width * PixelsPerUnit), (int)(layout.Height * PixelsPerUnit)));
        surface.Canvas.Scale(PixelsPerUnit);
        Draw(run, layout, surface.Canvas);
        using var image = surface.Snapshot();
        using var data = image.Encode(SKEncodedImageFormat.Png, 100);
        data.SaveTo(stream);
    }

    // Without a matrix all stand in a row; else it stands on the left, with the others beside it.
    private static Layout Arrange(RunPictures run)
    {
        var drawable = run.Pictures.Where(p => p.Panels.Count > 0 || LayerShapes.Of(p, First(p)).Count > 0).ToArray();
        Picture[] headlines = [.. drawable.Where(p => p.IsHeadline)];
        headlines = headlines.Length > 0 ? headlines : [.. drawable.Take(1)];
        var matrix = headlines.FirstOrDefault(p => p.IsMatrix);
        Picture[] singles = [.. headlines.Where(p => !p.IsMatrix).SelectMany(p => p.Panels.Count > 0 ? p.Panels : [p]).Take(MostCells)];
        if (matrix is null)
        {
            var bottom = TitleHeight + Math.Clamp(120 + (22 * singles.Select(Rows).DefaultIfEmpty(0).Max()), CellHeight, MostHeight);
            var ends = new float[singles.Length + 1];
            for (var k = 0; k < singles.Length; k++)
            {
                ends[k + 1] = ends[k] + Width(singles[k], singles.Length == 1 ? 2 * CellWidth : CellWidth);
            }

            var places = singles.Select((p, k) => new Cell(p, new PixelRect(ends[k], ends[k + 1], bottom, TitleHeight), null));
            return new Layout((int)Math.Max(CellWidth, ends[^1]), bottom, [.. places]);
        }

        // A large matrix has room for the first of the others above its diagonal.
        var (side, tall) = (Left + MatrixGap + (MatrixCell * matrix.Columns), Below + (MatrixCell * RowsOf(matrix)));
        var isInside = matrix.Columns >= LargeMatrix;
        singles = [.. singles.Take(isInside ? 1 : Math.Max(1, tall / SmallestHeight))];
        var (left, room) = isInside ? (side - (matrix.Columns / 2 * MatrixCell), matrix.Columns / 2 * MatrixCell) : (side, CellWidth + 40);
        var height = isInside ? room - Below : Math.Clamp(tall / Math.Max(1, singles.Length), SmallestHeight, CellHeight);
        PixelRect Place(int k) => new(left, left + room, TitleHeight + ((k + 1) * height), TitleHeight + (k * height));
        var beside = singles.Select((p, k) => new Cell(p, Place(k), null));
        var width = isInside || singles.Length == 0 ? side : left + room;
        return new Layout(width, TitleHeight + Math.Max(tall, singles.Length * height), [.. Matrix(matrix), .. beside]);
    }

    private static IReadOnlyList<PictureLayer> First(Picture picture) => [.. picture.Layers, .. picture.Frames.TakeLast(1).SelectMany(f => f.Layers)];

    // Equal units need a place of their own shape, beside axes and below a title.
    private static float Width(Picture picture, int usual)
    {
        var (x, y) = (picture.X.To - picture.X.From, picture.Y.To - picture.Y.From);
        return picture.EqualAxes && x / y is { } ratio
            ? (float)Math.Clamp((ratio * (CellHeight - AboveAndBelow)) + Beside, 0.6 * CellWidth, 1.5 * CellWidth)
            : usual;
    }

    private static int RowsOf(Picture matrix) => (matrix.Panels.Count + matrix.Columns - 1) / matrix.Columns;

    private static int Rows(Picture picture) =>
        picture.Layers.OfType<BarsLayer>().Where(b => b.IsHorizontal).Select(b => b.Labels.Count).DefaultIfEmpty(0).Max();

    // Places of equal size for what is drawn; names and numbers of the axes stand before the first column and below the last row.
    private static IEnumerable<Cell> Matrix(Picture matrix)
    {
        var rows = RowsOf(matrix);
        for (var k = 0; k < matrix.Panels.Count; k++)
        {
            var (row, column) = (k / matrix.Columns, k % matrix.Columns);
            if (matrix.Panels[k].Layers.Count > 0)
            {
                var (before, below) = (column == 0 ? Left : 0, row == rows - 1 ? Below : 0);
                var (left, top) = (Left + (column * MatrixCell), TitleHeight + (row * MatrixCell));
                var place = new PixelRect(left - before, left + MatrixCell, top + MatrixCell + below, top);
                yield return new Cell(matrix.Panels[k], place, new PixelPadding(before, MatrixGap, below, MatrixGap));
            }
        }
    }

    private static void Draw(RunPictures run, Layout layout, SKCanvas canvas)
    {
        canvas.Clear(SKColors.White);
        using var font = new SKFont(SKTypeface.FromFamilyName(PlotDrawing.FontName, SKFontStyle.Bold), 17);
        using var paint = new SKPaint { Color = SKColor.Parse(Palette.Ink), IsAntialias = true };
        canvas.DrawText(run.Title, 16, 27, SKTextAlign.Left, font, paint);
        foreach (var cell in layout.Cells)
        {
            using var plot = PlotDrawing.Make(cell.Picture, First(cell.Picture), isPanel: cell.Padding is not null);
            if (cell.Padding is { } padding)
            {
                plot.Layout.Fixed(padding);
            }

            PlotDrawing.Render(plot, canvas, cell.Place);
        }
    }

    private sealed record Layout(int Width, int Height, IReadOnlyList<Cell> Cells);

    private sealed record Cell(Picture Picture, PixelRect Place, PixelPadding? Padding);
}
