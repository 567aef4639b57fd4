using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>
/// Transposes through vector registers. Rows that lie one 128-bit lane's height apart are loaded as the lanes of one register, so
/// only shuffles inside lanes remain: 16 x 16 floats cost 32 shuffles and 48 loads that insert a lane.
/// </summary>
internal static unsafe class RegisterTranspose
{
    /// <summary>o[columns x rows] = a[rows x columns] transposed; strides in elements.</summary>
    /// <param name="width">Widest register to use.</param>
    /// <param name="rows">Rows of a.</param>
    /// <param name="columns">Columns of a.</param>
    /// <param name="a">First element of a.</param>
    /// <param name="lda">Elements from one row of a to the next.</param>
    /// <param name="o">First element of o.</param>
    /// <param name="ldo">Elements from one row of o to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(SimdWidth width, int rows, int columns, float* a, nint lda, float* o, nint ldo)
    {
        int height = width == SimdWidth.Scalar || !Sse.IsSupported ? 1 : (int)width / 32;
        int blockedRows = height == 1 ? 0 : rows - (rows % height);
        int blockedColumns = height == 1 ? 0 : columns - (columns % 4);
        for (int i = 0; i < blockedRows; i += height)
        {
            float* from = a + (i * lda);
            float* to = o + i;
            switch (height)
            {
                case 16:
                    for (int j = 0; j < blockedColumns; j += 4) Rows16(from + j, lda, to + (j * ldo), ldo);
                    break;
                case 8:
                    for (int j = 0; j < blockedColumns; j += 4) Rows8(from + j, lda, to + (j * ldo), ldo);
                    break;
                default:
                    for (int j = 0; j < blockedColumns; j += 4) Rows4(from + j, lda, to + (j * ldo), ldo);
                    break;
            }
        }

        CopyRest(blockedRows, blockedColumns, rows, columns, a, lda, o, ldo);
    }

    /// <summary>o[columns x rows] = a[rows x columns] transposed; strides in elements.</summary>
    /// <param name="width">Widest register to use.</param>
    /// <param name="rows">Rows of a.</param>
    /// <param name="columns">Columns of a.</param>
    /// <param name="a">First element of a.</param>
    /// <param name="lda">Elements from one row of a to the next.</param>
    /// <param name="o">First element of o.</param>
    /// <param name="ldo">Elements from one row of o to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(SimdWidth width, int rows, int columns, double* a, nint lda, double* o, nint ldo)
    {
        int height = width == SimdWidth.Scalar || !Sse2.IsSupported ? 1 : (int)width / 64;
        int blockedRows = height == 1 ? 0 : rows - (rows % height);
        int blockedColumns = height == 1 ? 0 : columns - (columns % 2);
        for (int i = 0; i < blockedRows; i += height)
        {
            double* from = a + (i * lda);
            double* to = o + i;
            switch (height)
            {
                case 8:
                    for (int j = 0; j < blockedColumns; j += 2) Rows8(from + j, lda, to + (j * ldo), ldo);
                    break;
                case 4:
                    for (int j = 0; j < blockedColumns; j += 2) Rows4(from + j, lda, to + (j * ldo), ldo);
                    break;
                default:
                    for (int j = 0; j < blockedColumns; j += 2) Rows2(from + j, lda, to + (j * ldo), ldo);
                    break;
            }
        }

        CopyRest(blockedRows, blockedColumns, rows, columns, a, lda, o, ldo);
    }

    // What the blocks leave: the last columns of the blocked rows, and the last rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRest<T>(int blockedRows, int blockedColumns, int rows, int columns, T* a, nint lda, T* o, nint ldo)
        where T : unmanaged
    {
        for (int i = 0; i < rows; i++)
        {
            T* row = a + (i * lda);
            for (int j = i < blockedRows ? blockedColumns : 0; j < columns; j++) o[(j * ldo) + i] = row[j];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows16(float* a, nint lda, float* o, nint ldo)
    {
        Vector512<float> r0 = Lanes(a, 4 * lda), r1 = Lanes(a + lda, 4 * lda), r2 = Lanes(a + (2 * lda), 4 * lda), r3 = Lanes(a + (3 * lda), 4 * lda);
        Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble(), high01 = Avx512F.UnpackHigh(r0, r1).AsDouble();
        Vector512<double> low23 = Avx512F.UnpackLow(r2, r3).AsDouble(), high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        Avx512F.UnpackLow(low01, low23).AsSingle().Store(o);
        Avx512F.UnpackHigh(low01, low23).AsSingle().Store(o + ldo);
        Avx512F.UnpackLow(high01, high23).AsSingle().Store(o + (2 * ldo));
        Avx512F.UnpackHigh(high01, high23).AsSingle().Store(o + (3 * ldo));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Lanes(float* a, nint stride)
    {
        Vector512<float> lanes = Vector128.Load(a).ToVector256Unsafe().ToVector512Unsafe();
        lanes = Avx512F.InsertVector128(lanes, Vector128.Load(a + stride), 1);
        lanes = Avx512F.InsertVector128(lanes, Vector128.Load(a + (2 * stride)), 2);
        return Avx512F.InsertVector128(lanes, Vector128.Load(a + (3 * stride)), 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows8(float* a, nint lda, float* o, nint ldo)
    {
        Vector256<float> r0 = Halves(a, 4 * lda), r1 = Halves(a + lda, 4 * lda), r2 = Halves(a + (2 * lda), 4 * lda), r3 = Halves(a + (3 * lda), 4 * lda);
        Vector256<double> low01 = Avx.UnpackLow(r0, r1).AsDouble(), high01 = Avx.UnpackHigh(r0, r1).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(r2, r3).AsDouble(), high23 = Avx.UnpackHigh(r2, r3).AsDouble();
        Avx.UnpackLow(low01, low23).AsSingle().Store(o);
        Avx.UnpackHigh(low01, low23).AsSingle().Store(o + ldo);
        Avx.UnpackLow(high01, high23).AsSingle().Store(o + (2 * ldo));
        Avx.UnpackHigh(high01, high23).AsSingle().Store(o + (3 * ldo));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halves(float* a, nint stride) => Vector256.Create(Vector128.Load(a), Vector128.Load(a + stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows4(float* a, nint lda, float* o, nint ldo)
    {
        Vector128<float> r0 = Vector128.Load(a), r1 = Vector128.Load(a + lda), r2 = Vector128.Load(a + (2 * lda)), r3 = Vector128.Load(a + (3 * lda));
        Vector128<float> low01 = Sse.UnpackLow(r0, r1), high01 = Sse.UnpackHigh(r0, r1);
        Vector128<float> low23 = Sse.UnpackLow(r2, r3), high23 = Sse.UnpackHigh(r2, r3);
        Sse.MoveLowToHigh(low01, low23).Store(o);
        Sse.MoveHighToLow(low23, low01).Store(o + ldo);
        Sse.MoveLowToHigh(high01, high23).Store(o + (2 * ldo));
        Sse.MoveHighToLow(high23, high01).Store(o + (3 * ldo));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows8(double* a, nint lda, double* o, nint ldo)
    {
        Vector512<double> even = Lanes(a, 2 * lda), odd = Lanes(a + lda, 2 * lda);
        Avx512F.UnpackLow(even, odd).Store(o);
        Avx512F.UnpackHigh(even, odd).Store(o + ldo);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Lanes(double* a, nint stride)
    {
        Vector512<float> lanes = Vector128.Load(a).AsSingle().ToVector256Unsafe().ToVector512Unsafe();
        lanes = Avx512F.InsertVector128(lanes, Vector128.Load(a + stride).AsSingle(), 1);
        lanes = Avx512F.InsertVector128(lanes, Vector128.Load(a + (2 * stride)).AsSingle(), 2);
        return Avx512F.InsertVector128(lanes, Vector128.Load(a + (3 * stride)).AsSingle(), 3).AsDouble();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows4(double* a, nint lda, double* o, nint ldo)
    {
        Vector256<double> even = Vector256.Create(Vector128.Load(a), Vector128.Load(a + (2 * lda)));
        Vector256<double> odd = Vector256.Create(Vector128.Load(a + lda), Vector128.Load(a + (3 * lda)));
        Avx.UnpackLow(even, odd).Store(o);
        Avx.UnpackHigh(even, odd).Store(o + ldo);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows2(double* a, nint lda, double* o, nint ldo)
    {
        Vector128<double> r0 = Vector128.Load(a), r1 = Vector128.Load(a + lda);
        Sse2.UnpackLow(r0, r1).Store(o);
        Sse2.UnpackHigh(r0, r1).Store(o + ldo);
    }
}
