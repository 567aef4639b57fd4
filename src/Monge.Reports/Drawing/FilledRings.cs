using ScottPlot;
using SkiaSharp;

namespace Monge.Reports.Drawing;

/// <summary>Rings that are filled together: what one of the other direction encloses is a hole.</summary>
internal sealed class FilledRings(IReadOnlyList<Coordinates[]> rings, Color color) : IPlottable
{
    /// <inheritdoc/>
    public bool IsVisible { get; set; } = true;

    /// <inheritdoc/>
    public IAxes Axes { get; set; } = new Axes();

    /// <inheritdoc/>
    public IEnumerable<LegendItem> LegendItems => [];

    /// <inheritdoc/>
    public AxisLimits GetAxisLimits() => rings.Count == 0 ? AxisLimits.NoLimits : new AxisLimits(rings.SelectMany(r => r));

    /// <inheritdoc/>
    public void Render(RenderPack rp)
    {
        using var path = new SKPath { FillType = SKPathFillType.Winding };
        foreach (var ring in rings)
        {
            path.AddPoly([.. ring.Select(c => Axes.GetPixel(c).ToSKPoint())]);
        }

        using var paint = new SKPaint { Color = color.ToSKColor(), IsAntialias = true };
        rp.Canvas.DrawPath(path, paint);
    }
}
