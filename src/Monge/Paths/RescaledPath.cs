using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>A path in the coordinates z = x / scale, less offset * t.</summary>
internal sealed class RescaledPath(IDensityPath inner, double scale, double offset) : IDensityPath
{
    private readonly double _logDeterminant = inner.Dimension * Math.Log(scale);

    public int Dimension => inner.Dimension;

    public Expr LogDensity(Expr x, Expr t) => inner.LogDensity(scale * x, t) + (_logDeterminant - (offset * t));

    public Expr Score(Expr x, Expr t) => scale * inner.Score(scale * x, t);

    public bool HasCheapLaplacian => inner.HasCheapLaplacian;

    public Expr Laplacian(Expr x, Expr t) => scale * scale * inner.Laplacian(scale * x, t);

    public Expr TimeDerivative(Expr x, Expr t) => inner.TimeDerivative(scale * x, t) - offset;

    public Expr LogBase(Expr x) => inner.LogBase(scale * x) + _logDeterminant;

    public Expr BaseDraw(int stream) => inner.BaseDraw(stream) / scale;
}
